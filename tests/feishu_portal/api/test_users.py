import base64

import pytest

from auth_sessions.enums import TokenStatus
from bots.people.directory import remember
from core.access.scopes import Scope
from feishu.people import Profile
from tests.factories import make_bot, make_grant
from tests.feishu_portal.api.callers import api_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot():
    return make_bot()


def address(bot) -> str:
    return f"/api/v1/bots/{bot.app_id}/users"


def test_people_are_listed_with_what_they_granted_and_no_token(bot):
    remember(bot, [Profile("ou_asked", name="李雷")])
    make_grant(bot, access_token="the-access-token", refresh_token="the-refresh-token")
    response = api_client(Scope.TOKENS_ISSUE).get(address(bot))
    [person] = response.json()["items"]
    assert (person["open_id"], person["name"], person["scopes"]) == ("ou_asked", "李雷", ["offline_access"])
    assert (person["status"], person["generation"]) == ("active", 1)
    assert person["access_expires_at"] < person["reauthorize_by"]
    assert "the-access-token" not in response.text
    assert "the-refresh-token" not in response.text
    assert "gAAAA" not in response.text


def test_people_are_paged_across_tenants(bot, django_assert_num_queries):
    names = [("a", "ou_2"), ("a", "ou_3"), ("b", "ou_1"), ("b", "ou_2")]
    for tenant_key, open_id in reversed(names):
        make_grant(bot, tenant_key=tenant_key, open_id=open_id)
    client = api_client(Scope.PROXY_USER)
    client.get(address(bot))
    seen, cursor = [], ""
    while cursor is not None:
        with django_assert_num_queries(4):  # key, bot, grants, who they are
            page = client.get(address(bot), {"limit": 2, "cursor": cursor}).json()
        seen += [(person["tenant_key"], person["open_id"]) for person in page["items"]]
        cursor = page["next_cursor"]
    assert seen == names


def test_people_are_found_by_status(bot):
    make_grant(bot)
    make_grant(bot, open_id="ou_late", status=TokenStatus.NEEDS_REAUTH)
    page = api_client(Scope.TOKENS_ISSUE).get(address(bot), {"status": "needs_reauth"}).json()
    assert [person["open_id"] for person in page["items"]] == ["ou_late"]


ODD_CURSORS = ["[1, 2]", '["a"]', '["\\ud800", "x"]', '["a", null]', "[" * 740]


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "bnVsbA==",
        "WzFd",
        "é",
        *(base64.urlsafe_b64encode(odd.encode()).decode() for odd in ODD_CURSORS),
    ],
)
def test_cursor_of_somebody_elses_is_refused(bot, cursor):
    assert api_client(Scope.TOKENS_ISSUE).get(address(bot), {"cursor": cursor}).status_code == 422


def test_stranger_sees_nobody(bot):
    make_grant(bot)
    stranger = api_client(*Scope, bots=[make_bot()])
    missing = make_bot()
    where = address(missing)
    missing.delete()
    assert stranger.get(address(bot)).status_code == 404
    assert stranger.get(address(bot)).content == stranger.get(where).content


def test_key_that_may_not_act_for_people_does_not_see_them(bot):
    client = api_client(Scope.BOTS_READ, Scope.AUTH_CREATE, Scope.PROXY_APP)
    assert client.get(address(bot)).status_code == 403
