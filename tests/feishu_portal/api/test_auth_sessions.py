import httpx2
import pytest
import respx
from django.db import connection
from django.test import Client
from django.utils import timezone

from auth_sessions.models import AuthSession
from core.access.actors import SYSTEM
from core.access.api_keys import replace_key
from core.access.models import ApiClient
from core.access.scopes import Scope
from feishu_portal.api.auth_sessions import create_session
from tests.factories import PLATFORM, make_bot, make_grant
from tests.feishu_portal.api.callers import api_client, ask_for_authorization

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot():
    return make_bot()


def test_system_asks_a_user_and_gets_the_link(bot):
    response = ask_for_authorization(api_client(Scope.AUTH_CREATE), bot, deliver="link")
    body = response.json()
    assert response.status_code == 201
    assert body["state"] == "sent"
    assert body["authorize_url"].startswith("http://portal.test/oauth/start/")
    assert AuthSession.objects.get().requested_by == "api:system 0"


def test_bot_is_named_by_id_or_app_id(bot):
    client = api_client(Scope.AUTH_CREATE)
    response = client.post(f"/api/v1/bots/{bot.pk}/auth-sessions", {"open_id": "ou_1"}, "application/json")
    assert response.status_code == 201


def test_session_can_be_followed_and_withdrawn(bot):
    client = api_client(Scope.AUTH_CREATE)
    path = f"/api/v1/auth-sessions/{ask_for_authorization(client, bot).json()['id']}"
    assert client.get(path).json()["state"] == "pending"
    withdrawn = client.delete(path).json()
    assert (withdrawn["state"], withdrawn["authorize_url"]) == ("cancelled", None)
    assert client.get(path, {"wait": 5}).json()["state"] == "cancelled"


def test_stranger_sees_neither_bot_nor_session(bot):
    path = f"/api/v1/auth-sessions/{ask_for_authorization(api_client(Scope.AUTH_CREATE), bot).json()['id']}"
    own = make_bot()
    stranger = api_client(Scope.AUTH_CREATE, Scope.BOTS_READ, bots=[own])
    missing = "/api/v1/auth-sessions/00000000-0000-4000-8000-000000000000"
    assert ask_for_authorization(stranger, bot).status_code == 404
    assert stranger.get(path).content == stranger.get(missing).content
    assert stranger.delete(path).status_code == 404
    assert stranger.get(f"/api/v1/bots/{bot.app_id}").status_code == 404
    assert [item["app_id"] for item in stranger.get("/api/v1/bots").json()["items"]] == [own.app_id]


def test_other_system_with_the_same_bot_sees_no_session_it_did_not_ask_for(bot):
    path = f"/api/v1/auth-sessions/{ask_for_authorization(api_client(Scope.AUTH_CREATE), bot).json()['id']}"
    other = api_client(Scope.AUTH_CREATE)
    assert other.get(path).status_code == 404
    assert other.delete(path).status_code == 404
    assert AuthSession.objects.get().is_open


def test_client_with_another_ones_old_name_sees_nothing_of_it(bot):
    """Its session, its open request for more, and its link to authorize again."""
    make_grant(bot, refresh_token="", access_expires_at=timezone.now())
    first = api_client(Scope.AUTH_CREATE, Scope.TOKENS_ISSUE)
    path = f"/api/v1/auth-sessions/{ask_for_authorization(first, bot, deliver='link').json()['id']}"
    more(first, bot)
    token = f"/api/v1/bots/{bot.app_id}/users/ou_asked/token"
    link = first.generic("POST", token).json()["authorize_url"]
    ApiClient.objects.update(name="renamed")
    namesake = api_client(Scope.AUTH_CREATE, Scope.TOKENS_ISSUE)
    ApiClient.objects.exclude(name="renamed").update(name="system 0")
    assert namesake.get(path).status_code == 404
    assert namesake.delete(path).status_code == 404
    assert more(namesake, bot).json()["code"] == "asked_already"
    assert namesake.generic("POST", token).json()["authorize_url"] != link
    assert first.get(path).json()["state"] == "sent"
    assert more(first, bot).status_code == 201
    assert first.generic("POST", token).json()["authorize_url"] == link


def test_session_of_a_deleted_client_is_nobodys_and_says_who_asked(bot):
    path = f"/api/v1/auth-sessions/{ask_for_authorization(api_client(Scope.AUTH_CREATE), bot).json()['id']}"
    ApiClient.objects.get().delete()
    assert api_client(Scope.AUTH_CREATE).get(path).status_code == 404
    assert AuthSession.objects.get().requested_by == "api:system 0"


def test_key_without_the_scope_is_told_which_one(bot):
    response = ask_for_authorization(api_client(Scope.BOTS_READ), bot)
    assert (response.status_code, response["Content-Type"]) == (403, "application/problem+json")
    assert response.json()["scope"] == "auth:create"


@pytest.mark.parametrize("key", ["", "Bearer", "Bearer fp_wrong_key", "Basic abc"])
def test_caller_without_a_key_is_refused(bot, key):
    response = ask_for_authorization(Client(headers={"Authorization": key}), bot)
    assert (response.status_code, response.json()["code"]) == (401, "caller_unauthenticated")


def test_expired_disabled_and_replaced_keys_are_refused(bot):
    expired = api_client(Scope.BOTS_READ, expires_at=timezone.now())
    assert expired.get("/api/v1/bots").status_code == 401
    disabled = api_client(Scope.BOTS_READ)
    ApiClient.objects.update(enabled=False)
    assert disabled.get("/api/v1/bots").status_code == 401
    replaced = api_client(Scope.BOTS_READ)
    assert replaced.get("/api/v1/bots").status_code == 200
    replace_key(ApiClient.objects.get(name="system 2"), actor=SYSTEM)
    assert replaced.get("/api/v1/bots").status_code == 401


def test_consent_in_the_browser_needs_a_public_address(bot, settings):
    settings.PUBLIC_URL = ""
    response = ask_for_authorization(api_client(Scope.AUTH_CREATE), bot, via="browser")
    assert (response.status_code, response.json()["code"]) == (409, "no_public_url")


@pytest.fixture
def device_endpoint():
    with respx.mock(base_url=PLATFORM) as router:
        yield router.post("/oauth/v1/device_authorization").respond(
            json={
                "device_code": "the-device-code",
                "user_code": "ABCD-0001",
                "verification_uri": "http://platform.test/verify",
                "expires_in": 240,
                "interval": 5,
            }
        )


@pytest.mark.parametrize(("via", "public_url"), [("auto", ""), ("device", "http://portal.test")])
def test_device_code_is_answered_with_the_platforms_link_and_no_secret(
    bot, settings, device_endpoint, via, public_url
):
    settings.PUBLIC_URL = public_url
    client = api_client(Scope.AUTH_CREATE)
    response = ask_for_authorization(client, bot, via=via, deliver="link")
    body = response.json()
    assert response.status_code == 201
    assert (body["via"], body["authorize_url"], body["user_code"]) == (
        "device",
        "http://platform.test/verify",
        "ABCD-0001",
    )
    assert "the-device-code" not in response.text
    stranger = api_client(Scope.AUTH_CREATE)
    assert stranger.get(f"/api/v1/auth-sessions/{body['id']}").status_code == 404


def test_device_code_that_the_platform_refuses_ends_the_session_and_says_why(bot, settings, device_endpoint):
    settings.PUBLIC_URL = ""
    device_endpoint.respond(400, json={"code": 20002, "error": "invalid_client"})
    response = ask_for_authorization(api_client(Scope.AUTH_CREATE), bot)
    assert (response.status_code, response.json()["code"]) == (502, "upstream_failed")
    assert response.json()["platform_code"] == 20002
    assert AuthSession.objects.get().state == "failed"


def more(client: Client, bot, **body):
    return ask_for_authorization(client, bot, **{"additional": True, "scopes": ["task:task:read"]} | body)


def test_more_is_asked_for_on_top_of_what_is_granted(bot):
    make_grant(bot)
    client = api_client(Scope.AUTH_CREATE)
    first = more(client, bot, why="CRM")
    session = AuthSession.objects.get()
    assert (first.status_code, session.added_scopes, session.why) == (
        201,
        ["task:task:read", "auth:user.id:read", "contact:user.base:readonly"],
        "CRM",
    )
    assert more(client, bot).json()["id"] == first.json()["id"]


def test_one_of_several_scopes_is_asked_for_that_the_app_has(bot):
    make_grant(bot)
    make_grant(bot, open_id="ou_other", scopes=["drive:drive"])
    wanted = ["drive:drive:readonly", "drive:drive"]
    assert more(api_client(Scope.AUTH_CREATE), bot, scopes=wanted, one_of=True).status_code == 201
    assert AuthSession.objects.get().added_scopes[0] == "drive:drive"
    assert wanted[0] not in AuthSession.objects.get().scopes


def test_more_is_asked_for_by_the_flow_and_return_address_of_the_request(bot, device_endpoint):
    make_grant(bot)
    back = "https://crm.example.com/done"
    response = more(
        api_client(Scope.AUTH_CREATE), bot, via="device", deliver="link", return_url=back, why="CRM"
    )
    assert (response.json()["via"], response.json()["user_code"]) == ("device", "ABCD-0001")
    assert AuthSession.objects.get().return_url == back


def test_one_card_is_out_however_many_systems_ask_but_each_has_a_link_of_its_own(bot):
    make_grant(bot)
    mine, other = api_client(Scope.AUTH_CREATE), api_client(Scope.AUTH_CREATE)
    assert more(mine, bot).status_code == 201
    refused = more(other, bot)
    assert (refused.status_code, refused.json()["code"]) == (409, "asked_already")
    assert AuthSession.objects.count() == 1
    links = {more(one, bot, deliver="link").json()["authorize_url"] for one in (mine, other)}
    assert len(links) == 2


def test_nothing_more_is_asked_of_who_allowed_it_or_nothing_at_all(bot):
    grant = make_grant(bot, scopes=["task:task:read"])
    client = api_client(Scope.AUTH_CREATE)
    allowed = more(client, bot)
    assert (allowed.status_code, allowed.json()["code"]) == (409, "nothing_lacking")
    assert more(client, bot, open_id="ou_stranger").status_code == 404
    assert more(client, make_bot(), open_id=grant.open_id).status_code == 404
    assert not AuthSession.objects.exists()


def test_tenant_is_to_be_named_where_two_know_the_same_person(bot):
    make_grant(bot)
    make_grant(bot, tenant_key="another")
    client = api_client(Scope.AUTH_CREATE)
    assert more(client, bot).json()["code"] == "tenant_key_required"
    assert more(client, bot, tenant_key="another").status_code == 201
    assert ask_for_authorization(client, bot, tenant_key="tenant").status_code == 201
    assert set(AuthSession.objects.values_list("tenant_key", flat=True)) == {"another", "tenant"}


def test_waiting_ends_with_the_change_or_the_time(bot):
    client = api_client(Scope.AUTH_CREATE)
    path = f"/api/v1/auth-sessions/{ask_for_authorization(client, bot).json()['id']}"
    assert client.get(path, {"wait": 1}).json()["state"] == "pending"
    reads = []

    def cancel_at_the_second_read(execute, sql, params, many, context):
        if "auth_sessions_authsession" in sql and sql.startswith("SELECT"):
            reads.append(sql)
            if len(reads) == 2:
                AuthSession.objects.update(state="cancelled")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(cancel_at_the_second_read):
        assert client.get(path, {"wait": 20}).json()["state"] == "cancelled"
    assert len(reads) < 5


def test_too_many_waiting_are_told_to_come_back(bot, monkeypatch):
    monkeypatch.setattr("feishu_portal.api.long_poll.MAX_WAITING", 0)
    client = api_client(Scope.AUTH_CREATE)
    path = f"/api/v1/auth-sessions/{ask_for_authorization(client, bot).json()['id']}"
    response = client.get(path, {"wait": 5})
    assert (response.status_code, response.json()["code"]) == (429, "too_many_waiting")
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"open_id": ""},
        {"scopes": "text"},
        {"deliver": "pigeon"},
        {"via": "pigeon"},
        {"return_url": "javascript:alert(1)"},
    ],
)
def test_request_that_does_not_fit_says_where(bot, body):
    response = ask_for_authorization(api_client(Scope.AUTH_CREATE), bot, **body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert response.json()["errors"][0]["where"]


def test_description_is_served():
    assert Client().get("/api/v1/openapi.json").json()["openapi"].startswith("3.1")


# --- whom another id names


@pytest.fixture
def directory():
    """The platform's directory, which knows 李雷 by his union_id and his address."""
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        token = {"code": 0, "tenant_access_token": "t-1", "expire": 7200}
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(json=token)
        found = {"code": 0, "data": {"user": {"open_id": "ou_lilei"}}}
        router.get("/open-apis/contact/v3/users/on_lilei", params={"user_id_type": "union_id"}).respond(
            json=found
        )
        listed = {"code": 0, "data": {"user_list": [{"email": "lilei@x.test", "user_id": "ou_lilei"}]}}
        router.post("/open-apis/contact/v3/users/batch_get_id", json={"emails": ["lilei@x.test"]}).respond(
            json=listed
        )
        nobody = {"code": 0, "data": {"user_list": [{"email": "nobody@x.test"}]}}
        router.post("/open-apis/contact/v3/users/batch_get_id", json={"emails": ["nobody@x.test"]}).respond(
            json=nobody
        )
        yield router


@pytest.mark.parametrize("person", ["on_1", "u1001", "Lilei@x.test"])
def test_who_has_granted_something_is_known_by_every_id(bot, directory, person):
    make_grant(bot, union_id="on_1", user_id="u1001", email="lilei@x.test")
    assert ask_for_authorization(api_client(Scope.AUTH_CREATE), bot, open_id=person).status_code == 201
    assert AuthSession.objects.get().open_id == "ou_asked"
    assert not directory.calls


@pytest.mark.parametrize("person", ["on_lilei", "lilei@x.test"])
def test_who_has_granted_nothing_is_looked_up_at_the_platform(bot, directory, person):
    assert ask_for_authorization(api_client(Scope.AUTH_CREATE), bot, open_id=person).status_code == 201
    assert AuthSession.objects.get().open_id == "ou_lilei"


@pytest.mark.parametrize("person", ["nobody@x.test", "oc_1"])
def test_nobody_by_that_id_is_asked(bot, directory, person):
    response = ask_for_authorization(api_client(Scope.AUTH_CREATE), bot, open_id=person)
    assert (response.status_code, response.json()["code"]) == (404, "person_not_found")
    assert not AuthSession.objects.exists()


def test_directory_that_the_app_may_not_read_is_told(bot, directory):
    violation = {"permission_violations": [{"subject": "contact:contact.base:readonly"}]}
    lacking = {"code": 99991672, "msg": "no scope", "error": violation}
    directory.get("/open-apis/contact/v3/users/u1001").respond(400, json=lacking)
    response = ask_for_authorization(api_client(Scope.AUTH_CREATE), bot, open_id="u1001")
    assert (response.status_code, response.json()["code"]) == (424, "platform_refused")


def test_stranger_looks_nobody_up(bot, directory):
    stranger = api_client(Scope.AUTH_CREATE, bots=[make_bot()])
    assert ask_for_authorization(stranger, bot, open_id="lilei@x.test").status_code == 404
    bot.enabled = False
    bot.save()
    response = ask_for_authorization(api_client(Scope.AUTH_CREATE), bot, open_id="lilei@x.test")
    assert response.json()["code"] == "bot_disabled"
    assert not directory.calls


@pytest.mark.parametrize("places", [1, 4])
def test_no_more_than_fit_or_a_quarter_are_looked_up_at_once(bot, directory, monkeypatch, places):
    monkeypatch.setitem(create_session.__globals__, "MAX_LOOKUPS", places)
    client, nested = api_client(Scope.AUTH_CREATE), []

    def ask_for_another(_request) -> httpx2.Response:
        nested.append(ask_for_authorization(client, bot, open_id="u1002"))
        return httpx2.Response(200, json={"code": 0, "data": {"user": {"open_id": "ou_1"}}})

    directory.get("/open-apis/contact/v3/users/u1001").mock(side_effect=ask_for_another)
    assert ask_for_authorization(client, bot, open_id="u1001").status_code == 201
    [response] = nested
    assert (response.status_code, response.json()["code"]) == (503, "overloaded")
