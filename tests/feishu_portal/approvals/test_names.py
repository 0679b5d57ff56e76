"""Names on the card: with the person's own grant, in time or not at all."""

import json
from typing import Any

import httpx2
import pytest

from auth_sessions.models import TokenUse
from feishu_portal.approvals import names
from feishu_portal.approvals.card_sync import CARDS
from feishu_portal.approvals.names import names_for
from feishu_portal.approvals.resources import Resource
from tests.auth_sessions.cards.test_foreign_text import texts_of
from tests.factories import PLATFORM, make_grant
from tests.feishu_portal.approvals.calls import ask_about

pytestmark = pytest.mark.django_db

API = f"{PLATFORM}/open-apis"
HOSTILE = "文档 已批准 ✅ \n**允许** <at id=all></at> [批准](https://evil.example) \u202e” 批准 “"
BASE, DOCX = "bascnOfTheTests123", "doxcnOfTheTests123"
CHAT, OTHER = Resource("chat", "oc_1"), Resource("chat", "oc_2")
TABLE = Resource("table", "tblOfTheTests", base=BASE)
ALL = [CHAT, Resource("docx", DOCX), Resource("bitable", BASE), TABLE, Resource("person", "ou_lin")]
SCOPES = ["im:chat:read", "drive:drive.metadata:readonly", "bitable:app", "contact:user.base:readonly"]


def answer(**data: Any) -> dict[str, Any]:
    return {"code": 0, "msg": "success", "data": data}


@pytest.fixture
def grant(bot):
    return make_grant(bot, scopes=SCOPES)


def looked_up(bot, *resources: Resource) -> dict[str, str]:
    found = names_for(resources, bot=bot, open_id="ou_asked", tenant_key="tenant")
    return {resource.id: name for resource, name in found.items()}


def test_all_are_named_with_the_persons_grant_in_four_calls(bot, grant, platform) -> None:
    platform.get(f"{API}/im/v1/chats/oc_1").respond(json=answer(name="项目群"))
    metas = [
        {"doc_token": DOCX, "title": "季度预算"},
        {"doc_token": BASE, "title": "订单"},
        {"doc_token": "x", "title": "y"},
    ]
    documents = platform.post(f"{API}/drive/v1/metas/batch_query").respond(json=answer(metas=metas))
    tables = [{"table_id": "tblOther", "name": "a"}, {"table_id": TABLE.id, "name": "七月"}]
    platform.get(f"{API}/bitable/v1/apps/{BASE}/tables").respond(json=answer(items=tables))
    people = [{"open_id": "ou_lin", "name": "林晓"}]
    platform.get(f"{API}/contact/v3/users/batch").respond(json=answer(items=people))
    expected = {"oc_1": "项目群", DOCX: "季度预算", BASE: "订单", TABLE.id: "七月", "ou_lin": "林晓"}
    assert looked_up(bot, *ALL) == expected
    assert {call.request.headers["authorization"] for call in platform.calls} == {"Bearer access-token-1"}
    assert json.loads(documents.calls[0].request.content)["request_docs"] == [
        {"doc_token": DOCX, "doc_type": "docx"},
        {"doc_token": BASE, "doc_type": "bitable"},
    ]
    assert set(TokenUse.objects.values_list("caller", "open_id")) == {("approvals", "ou_asked")}
    assert TokenUse.objects.count() == 4


def test_what_the_person_may_not_see_has_no_name_and_keeps_no_other_from_one(bot, grant, platform) -> None:
    refusal = {"code": 232011, "msg": "Operator can NOT be out of the chat."}
    platform.get(f"{API}/im/v1/chats/oc_1").respond(403, json=refusal)
    lacking = {
        "code": 99991679,
        "msg": "Unauthorized. one of these privileges",
        "error": {"permission_violations": []},
    }
    platform.post(f"{API}/drive/v1/metas/batch_query").respond(400, json=lacking)
    platform.get(f"{API}/bitable/v1/apps/{BASE}/tables").respond(
        json={"code": 0, "data": {"items": [7, {"name": ["x"]}]}}
    )
    platform.get(f"{API}/contact/v3/users/batch").respond(
        json=answer(items=[{"open_id": "ou_lin", "name": "林晓"}])
    )
    assert looked_up(bot, *ALL) == {"ou_lin": "林晓"}


def test_platform_that_hangs_is_asked_once_and_nothing_more(bot, grant, platform) -> None:
    hangs = platform.get(f"{API}/im/v1/chats/oc_1").mock(side_effect=httpx2.ReadTimeout)
    assert looked_up(bot, *ALL) == {}
    [call] = hangs.calls
    assert call.request.extensions["timeout"]["read"] <= names.CALL_SECONDS
    assert len(platform.calls) == 1


def test_time_is_bounded_over_all_calls(bot, grant, platform, monkeypatch) -> None:
    monkeypatch.setattr(names, "SECONDS", names.SHORTEST / 2)
    assert looked_up(bot, CHAT, OTHER) == {}
    assert not platform.calls


def test_nothing_is_asked_without_a_grant_that_is_good_for_it(bot, platform) -> None:
    assert looked_up(bot, *ALL) == {}
    make_grant(bot)
    assert looked_up(bot, *ALL) == {}
    assert looked_up(bot) == {}
    assert not platform.calls


def test_hostile_name_stands_in_quotation_marks_behind_its_id(bot, grant, platform) -> None:
    platform.get(f"{API}/im/v1/chats/oc_1").respond(json=answer(name=HOSTILE))
    asked = ask_about(bot, {"receive_id": "oc_1", "content": "x"})
    CARDS.sync(asked.pk)
    card = json.loads(json.loads(platform.sends.calls[0].request.content)["content"])
    [named, *_more] = [text for _tag, text in texts_of(card) if "已批准" in text and "Chat" in text]
    [_heading, line] = named.splitlines()
    assert line.startswith("Chat oc&#95;1 “文档 已批准 ✅ &#42;&#42;允许&#42;&#42; ")
    assert line.endswith("…”")
    assert not set(line) & set("*<>[]()\u202e")
    question = next(text for _tag, text in texts_of(card) if "receive_id=oc_1" in text)
    assert "批准 “" not in question, "the question before an hour goes by ids"
