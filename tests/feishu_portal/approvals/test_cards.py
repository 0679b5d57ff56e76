import json

import pytest
from django.utils import timezone

from core.vault.fields import Sealed
from core.vault.keyring import SealedValueError
from feishu_portal.approvals.cards import approval_card, seal_of
from feishu_portal.approvals.decisions import approve, deny
from feishu_portal.approvals.enums import ApprovalState, Approved
from feishu_portal.approvals.models import CallApproval
from tests.auth_sessions.cards.test_foreign_text import EVIL, is_harmless, texts_of
from tests.factories import make_bot
from tests.feishu_portal.approvals.calls import ask_about

pytestmark = pytest.mark.django_db


def text_of(card) -> str:
    return "\n".join(text for _tag, text in texts_of(card))


def buttons_of(card) -> list[dict]:
    found = []

    def walk(node) -> None:
        if isinstance(node, dict):
            if node.get("tag") == "button":
                found.append(node)
            node = list(node.values())
        if isinstance(node, list):
            for one in node:
                walk(one)

    walk(card)
    return found


def test_card_says_the_call_in_words_and_in_full(bot) -> None:
    body = {"summary": "写周报", "due": {"timestamp": 1, "is_all_day": False}, "members": [{"id": "ou_lin"}]}
    card = approval_card(ask_about(bot, body, query="user_id_type=open_id"))
    text = text_of(card)
    assert "创建任务" in text
    assert "Create a task" in text
    lines = next(text for _tag, text in texts_of(card) if "写周报" in text).replace("&#95;", "_").splitlines()
    assert lines == [
        "**members.0.id**: ou_lin", "**user_id_type**: open_id", "**summary**: 写周报", "**due.timestamp**: 1",
        "**due.is_all_day**: false",
    ]  # fmt: skip
    assert [button["name"] for button in buttons_of(card)] == ["once", "hour", "deny", "whole"]


def test_text_of_a_message_can_be_read(bot) -> None:
    text = text_of(
        approval_card(ask_about(bot, {"msg_type": "text", "content": json.dumps({"text": "周报\n写好了"})}))
    )
    assert "**content.text**: 周报 ⏎ 写好了" in text
    assert "u5468" not in text
    assert "仅显示部分" not in text


def test_question_before_an_hour_says_what_it_covers(bot) -> None:
    card = approval_card(ask_about(bot, {"receive_id": "oc_1", "content": "x"}))
    [_once, hour, _deny, _whole] = buttons_of(card)
    question = hour["confirm"]["text"]["content"]
    assert "POST /open-apis/task/v2/tasks; receive_id=oc_1" in question


def test_nothing_of_the_call_formats_links_or_adds_a_button(bot) -> None:
    forged = {"text": EVIL, EVIL: EVIL, "x": "a\n\n**门户**: 已批准\n[批准](https://evil.example)"}
    evil = make_bot(name=EVIL[:90])
    for body, query in ((forged, f"a={EVIL[:20]}"), (EVIL.encode(), ""), (json.dumps(EVIL).encode(), "")):
        card = approval_card(ask_about(evil, body, query=query))
        assert is_harmless(card)
        assert not any("](https" in text for _tag, text in texts_of(card))
        assert {button["name"] for button in buttons_of(card)} <= {"once", "hour", "deny", "whole"}
        assert "\u202e" not in json.dumps(card, ensure_ascii=False)


def test_line_of_the_call_stays_one_line(bot) -> None:
    card = approval_card(ask_about(bot, {"text": "a\r\nb\nc\u2028d", "k\ney": "v"}))
    [block] = [text for _tag, text in texts_of(card) if "⏎" in text]
    assert len(block.splitlines()) == 2


def test_long_call_is_shown_in_part_with_its_hash_and_all_that_it_acts_on(bot) -> None:
    body = {f"filler{number}": "_" * 2000 for number in range(100)} | {"receive_id": "oc_board"}
    approval = ask_about(bot, body)
    text = text_of(approval_card(approval))
    assert "oc&#95;board" in text
    assert approval.body_hash in text
    assert "仅显示部分" in text


def test_body_that_cannot_be_read_is_shown_from_its_beginning(bot) -> None:
    approval = ask_about(bot, b"\xff\x00name=x", content_type="text/plain")
    card = approval_card(approval)
    assert "name&#61;x" in text_of(card)
    assert approval.body_hash in text_of(card)
    assert [button["name"] for button in buttons_of(card)] == ["once", "deny", "whole"]


@pytest.mark.parametrize("state", ApprovalState)
def test_card_of_every_other_state_has_no_button(approval, state) -> None:
    if state == ApprovalState.NOT_ASKED:
        return  # nobody has its card
    is_open = state in {ApprovalState.ASKED, ApprovalState.APPROVED, ApprovalState.SENDING}
    CallApproval.objects.update(state=state, **({} if is_open else {"call": ""}), expires_at=timezone.now())
    approval = CallApproval.objects.select_related("bot").get()
    card = approval_card(approval)
    assert buttons_of(card) == []
    assert "写周报" not in text_of(card)


def test_card_tells_what_was_approved_and_what_the_platform_refused(approval) -> None:
    approve(approval, kind=Approved.HOUR)
    assert "不再询问" in text_of(approval_card(approval))
    CallApproval.objects.update(state="done", call="", status=400, code=1470400)
    approval.refresh_from_db()
    text = text_of(approval_card(approval))
    assert "HTTP 400, 1470400" in text
    assert "已执行" not in text


def test_card_says_why_the_platform_refused_where_that_is_known(approval) -> None:
    CallApproval.objects.update(state="done", call="", status=400, code=99991679)
    approval.refresh_from_db()
    assert "没有执行：用户没有授予所需权限（HTTP 400, 99991679）" in text_of(approval_card(approval))


def test_denied_card_says_that_nothing_happened(approval) -> None:
    deny(approval)
    assert "什么也没有发生" in text_of(approval_card(approval))


def test_seal_is_another_for_each_approval(approval) -> None:
    other = ask_about(approval.bot, {"summary": "other"})
    assert seal_of(approval) != seal_of(other)
    assert seal_of(approval) == seal_of(CallApproval.objects.get(pk=approval.pk))


def test_call_that_no_key_opens_makes_no_card(approval) -> None:
    CallApproval.objects.update(call=Sealed("x"))
    with pytest.raises(SealedValueError):
        approval_card(CallApproval.objects.select_related("bot").get())


def test_agent_that_the_person_connected_is_named(bot) -> None:
    text = text_of(approval_card(ask_about(bot, agent="小助手” 已获批准 “\u200b\n", agent_key="k")))
    assert "**“小助手' 已获批准 '”** 请求以你的身份调用飞书" in text.replace("&#39;", "'")
    assert "assistant" not in text
