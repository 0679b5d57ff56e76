import httpx2
import pytest
import respx

from bots.errors import BotDisabledError, LookupBusyError
from bots.people import chats
from bots.people.chats import chats_of
from feishu.errors import MissingScope
from tests.factories import PLATFORM, make_bot

pytestmark = pytest.mark.django_db


@pytest.fixture
def groups():
    """The platform's list of the groups that a bot is in."""
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-1", "expire": 7200}
        )
        yield router.get("/open-apis/im/v1/chats")


def page(*names: str, more: str = "") -> httpx2.Response:
    items = [{"chat_id": f"oc_{name}", "name": name} for name in names]
    return httpx2.Response(
        200, json={"code": 0, "data": {"items": items, "has_more": bool(more), "page_token": more}}
    )


def test_groups_of_all_pages_come_by_name(groups):
    groups.side_effect = [page("Duty", "值班", more="p2"), page("abc")]
    found = chats_of(make_bot(), asked_by="lin")
    assert [chat.name for chat in found.listed] == ["abc", "Duty", "值班"]
    assert found.is_all


def test_more_than_a_bound_is_not_read(groups):
    groups.side_effect = lambda _request: page(*(str(number) for number in range(100)), more="next")
    assert not chats_of(make_bot(), asked_by="lin").is_all
    assert groups.call_count == chats.MAX_PAGES


def test_lacking_scope_is_said(groups):
    groups.respond(json={"code": 99991672, "msg": "no scope"})
    with pytest.raises(MissingScope):
        chats_of(make_bot(), asked_by="lin")


def test_bot_that_is_switched_off_asks_nothing(groups):
    with pytest.raises(BotDisabledError):
        chats_of(make_bot(enabled=False), asked_by="lin")
    assert not groups.called


def test_operator_has_a_share_of_the_places(groups, monkeypatch):
    monkeypatch.setattr(chats, "MAX_LOOKUPS", 4)
    groups.side_effect = lambda _request: page("Duty")
    with chats._limits.fair_place("lin", limit=4, full=LookupBusyError()):
        with pytest.raises(LookupBusyError):
            chats_of(make_bot(), asked_by="lin")
        assert chats_of(make_bot(), asked_by="mei").listed
