from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from auth_sessions.domain.tokens import broker
from auth_sessions.enums import RefreshPhase, RevocationState, TokenStatus
from auth_sessions.models import AuthSession, Revocation, TokenUse, UserToken
from core.access.models import ApiClient, AuditEntry
from core.access.scopes import Scope
from feishu_portal.api import refresh_wait, tokens
from tests.factories import make_bot, make_grant
from tests.feishu_portal.api.callers import api_client

pytestmark = pytest.mark.django_db
ACCESS = "u-the-access-token-of-the-tests"
NOBODY = "ou_nobody"


@pytest.fixture(autouse=True)
def short_patience(monkeypatch):
    monkeypatch.setattr("auth_sessions.domain.tokens.refresh_wait.PATIENCE", 0.3)


@pytest.fixture
def bot():
    return make_bot(auth_scopes=["offline_access", "contact:user.base:readonly"])


def address(bot, open_id="ou_asked") -> str:
    return f"/api/v1/bots/{bot.app_id}/users/{open_id}/token"


def token(client: Client, bot, open_id="ou_asked", **body):
    return client.post(address(bot, open_id), body, "application/json")


def in_seconds(seconds: float):
    return timezone.now() + timedelta(seconds=seconds)


@pytest.fixture
def refresher(monkeypatch):
    """What the refresher does once it is asked, as far as this test needs it."""
    asked = []

    def work(grant, **values):
        asked.append(grant.pk)
        if values or not asked[1:]:
            row = UserToken.objects.get(pk=grant.pk)
            row.access_token, row.generation = "u-the-fresh-token-of-the-tests", row.generation + 1
            row.access_expires_at = in_seconds(7200)
            row.save()
        return True

    monkeypatch.setattr(tokens, "request_refresh", work)
    return asked


def test_token_is_handed_out_and_written_down(bot):
    grant = make_grant(bot, access_token=ACCESS)
    response = token(api_client(Scope.TOKENS_ISSUE), bot)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert body.pop("expires_at")
    assert body == {
        "access_token": ACCESS,
        "token_type": "Bearer",
        "scopes": ["offline_access"],
        "generation": 1,
    }
    use = TokenUse.objects.of(grant).get()
    assert (use.caller, use.kind, use.generation) == ("system 0", "issued", 1)
    assert UserToken.objects.get().used_at is not None


def test_request_needs_no_body(bot):
    make_grant(bot)
    assert api_client(Scope.TOKENS_ISSUE).generic("POST", address(bot)).status_code == 200


def test_no_record_no_token(bot, monkeypatch):
    make_grant(bot, access_token=ACCESS)

    def fail(*_args, **_values):
        raise DatabaseError("no space left")

    monkeypatch.setattr(broker, "record_hand_out", fail)
    response = token(api_client(Scope.TOKENS_ISSUE), bot)
    assert response.status_code == 500
    assert ACCESS not in response.text


def test_record_holds_no_token(bot):
    make_grant(bot, access_token=ACCESS, refresh_token="ur-the-refresh-token-of-the-tests")
    token(api_client(Scope.TOKENS_ISSUE), bot)
    rows = str([*TokenUse.objects.values(), *AuditEntry.objects.values()])
    assert "of-the-tests" not in rows


@pytest.mark.parametrize(
    "values",
    [
        {"phase": RefreshPhase.UNCERTAIN},
        {"phase": RefreshPhase.STOPPED, "status": TokenStatus.NEEDS_REAUTH},
        {"attempts": 5, "last_outcome": "not_sent"},
        {"refresh_token": ""},
    ],
)
def test_valid_token_is_served_whatever_became_of_its_refresh(bot, values):
    make_grant(bot, access_token=ACCESS, access_expires_at=in_seconds(200), **values)
    assert token(api_client(Scope.TOKENS_ISSUE), bot).json()["access_token"] == ACCESS


def test_token_that_does_not_last_is_refreshed_first(bot, refresher):
    make_grant(bot, access_expires_at=in_seconds(100))
    body = token(api_client(Scope.TOKENS_ISSUE), bot, min_ttl=120).json()
    assert (body["access_token"], body["generation"]) == ("u-the-fresh-token-of-the-tests", 2)
    assert len(refresher) == 1
    assert TokenUse.objects.get().generation == 2


def test_token_that_lasts_just_long_enough_is_not(bot, refresher):
    make_grant(bot, access_expires_at=in_seconds(100))
    assert token(api_client(Scope.TOKENS_ISSUE), bot, min_ttl=90).json()["generation"] == 1
    assert not refresher


def test_refresh_that_takes_too_long_is_in_progress(bot, monkeypatch):
    make_grant(bot, access_token=ACCESS, access_expires_at=in_seconds(100))
    monkeypatch.setattr(tokens, "request_refresh", lambda grant: True)
    response = token(api_client(Scope.TOKENS_ISSUE), bot)
    assert (response.status_code, response.json()["code"]) == (503, "refresh_in_progress")
    assert int(response["Retry-After"]) > 0
    assert response.json()["expires_at"]
    assert ACCESS not in response.text
    assert not TokenUse.objects.exists()


@pytest.mark.parametrize("is_tried_first", [False, True])
def test_refresh_that_is_postponed_says_at_once_when_to_come_back(bot, monkeypatch, is_tried_first):
    monkeypatch.setattr("auth_sessions.domain.tokens.refresh_wait.PATIENCE", 60)
    later = {"phase": RefreshPhase.UNCERTAIN, "next_refresh_at": in_seconds(600)}
    make_grant(bot, access_expires_at=in_seconds(-1), **({} if is_tried_first else later))
    monkeypatch.setattr(tokens, "request_refresh", lambda _grant: UserToken.objects.update(**later))
    response = token(api_client(Scope.TOKENS_ISSUE), bot)
    assert (response.status_code, response.json()["code"]) == (503, "refresh_postponed")
    assert 590 < int(response["Retry-After"]) < 610
    assert response.json()["retry_at"]


def test_final_refusal_is_answered_at_once(bot, monkeypatch):
    monkeypatch.setattr("auth_sessions.domain.tokens.refresh_wait.PATIENCE", 60)
    make_grant(bot, access_expires_at=in_seconds(60))
    dead = {"status": TokenStatus.NEEDS_REAUTH, "phase": RefreshPhase.STOPPED}
    monkeypatch.setattr(tokens, "request_refresh", lambda _grant: UserToken.objects.update(**dead))
    assert token(api_client(Scope.TOKENS_ISSUE), bot, min_ttl=120).status_code == 409


def test_refresh_that_ends_the_grant_meanwhile_says_so(bot, monkeypatch):
    make_grant(bot, access_expires_at=in_seconds(-1))
    dead = {"status": TokenStatus.NEEDS_REAUTH, "phase": RefreshPhase.STOPPED}
    monkeypatch.setattr(tokens, "request_refresh", lambda _grant: UserToken.objects.update(**dead))
    assert token(api_client(Scope.TOKENS_ISSUE), bot).json()["code"] == "reauthorization_required"


def test_nobody_waits_where_too_many_do(bot, monkeypatch):
    make_grant(bot, access_expires_at=in_seconds(-1))
    monkeypatch.setattr(refresh_wait, "MAX_WAITING", 0)
    assert token(api_client(Scope.TOKENS_ISSUE), bot).status_code == 503


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"status": TokenStatus.NEEDS_REAUTH, "phase": RefreshPhase.STOPPED}, "needs_reauth"),
        (
            {
                "status": TokenStatus.REVOKED,
                "phase": RefreshPhase.STOPPED,
                "access_token": "",
                "refresh_token": "",
                "next_refresh_at": None,
            },
            "revoked",
        ),
        ({"refresh_token": ""}, "expired"),
    ],
)
def test_grant_that_is_over_names_a_link_for_the_person(bot, values, reason):
    make_grant(bot, scopes=["task:task:read"], access_expires_at=in_seconds(-1), **values)
    response = token(api_client(Scope.TOKENS_ISSUE), bot)
    body = response.json()
    assert (response.status_code, body["code"], body["reason"]) == (409, "reauthorization_required", reason)
    assert body["authorize_url"].startswith("http://portal.test/oauth/start/")
    session = AuthSession.objects.get()
    assert session.scopes == ["offline_access", "contact:user.base:readonly", "task:task:read"]
    assert (session.open_id, session.tenant_key, session.deliver) == ("ou_asked", "tenant", "link")


def test_caller_that_comes_back_gets_the_same_link(bot):
    make_grant(bot, refresh_token="", access_expires_at=in_seconds(-1))
    first, other = api_client(Scope.TOKENS_ISSUE), api_client(Scope.TOKENS_ISSUE)
    links = {token(first, bot).json()["authorize_url"] for _ in range(3)}
    assert len(links) == 1
    assert token(other, bot).json()["authorize_url"] not in links
    AuthSession.objects.update(expires_at=in_seconds(5))
    assert token(first, bot).json()["authorize_url"] not in links


@pytest.mark.parametrize("min_ttl", [-1, 3601, "soon"])
def test_absurd_lifetimes_are_refused(bot, min_ttl):
    make_grant(bot)
    assert token(api_client(Scope.TOKENS_ISSUE), bot, min_ttl=min_ttl).status_code == 422


def test_person_who_never_authorized_has_no_token(bot):
    response = token(api_client(Scope.TOKENS_ISSUE), bot, NOBODY)
    assert (response.status_code, response.json()["code"]) == (404, "token_not_found")


def test_same_open_id_in_two_tenants_asks_whose(bot):
    make_grant(bot, access_token="of-the-first")
    make_grant(bot, tenant_key="other", access_token="of-the-other")
    client = api_client(Scope.TOKENS_ISSUE)
    assert token(client, bot).json()["code"] == "tenant_key_required"
    assert token(client, bot, tenant_key="other").json()["access_token"] == "of-the-other"


def test_disabled_bot_hands_out_nothing():
    bot = make_bot(enabled=False)
    make_grant(bot)
    assert token(api_client(Scope.TOKENS_ISSUE), bot).json()["code"] == "bot_disabled"


def test_token_that_no_key_opens_is_the_operators_business(bot, settings, caplog):
    make_grant(bot, access_token=ACCESS)
    settings.ENCRYPTION_KEYS = ["bm90LXRoZS1rZXktaXQtd2FzLXdyaXR0ZW4td2l0aC4="]
    response = token(api_client(Scope.TOKENS_ISSUE), bot)
    assert (response.status_code, response.json()["code"]) == (503, "token_sealed")
    assert not TokenUse.objects.exists()


def test_what_a_client_does_is_written_down_with_its_address(bot):
    make_grant(bot, access_token="", refresh_token="", access_expires_at=in_seconds(-1))
    client = api_client(Scope.TOKENS_ISSUE, Scope.TOKENS_REVOKE)
    client.defaults["REMOTE_ADDR"] = "::ffff:192.0.2.7"
    token(client, bot)
    client.delete(address(bot))
    entries = AuditEntry.objects.filter(action__in=("auth_session.created", "user_token.revoked"))
    assert list(entries.values_list("address", flat=True)) == ["192.0.2.7"] * 2


# --- strangers


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_stranger_cannot_tell_a_grant_from_none(bot, method):
    make_grant(bot)
    other_bot = make_bot()
    stranger = api_client(*Scope, bots=[other_bot])
    seen = stranger.generic(method, address(bot))
    assert seen.status_code == 404
    assert seen.content == stranger.generic(method, address(bot, NOBODY)).content
    missing = make_bot()
    where = address(missing)
    missing.delete()
    assert seen.content == stranger.generic(method, where).content
    assert UserToken.objects.get().status == TokenStatus.ACTIVE
    assert not TokenUse.objects.exists()


@pytest.mark.parametrize(("method", "scope"), [("POST", Scope.TOKENS_ISSUE), ("DELETE", Scope.TOKENS_REVOKE)])
def test_key_without_the_scope_is_told_the_same_of_every_person(bot, method, scope):
    make_grant(bot)
    client = api_client(*(one for one in Scope if one != scope))
    answers = [client.generic(method, address(bot, open_id)) for open_id in ("ou_asked", NOBODY)]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["scope"] == scope


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_expired_key_gets_nothing(bot, method):
    make_grant(bot, access_token=ACCESS)
    client = api_client(*Scope, expires_at=timezone.now())
    assert client.generic(method, address(bot)).status_code == 401
    ApiClient.objects.update(expires_at=None, enabled=False)
    assert client.generic(method, address(bot)).status_code == 401


# --- revoking


def test_revoking_destroys_and_says_whether_the_platform_knows(bot, monkeypatch):
    grant = make_grant(bot, access_token=ACCESS)
    revoked = []

    def revoke(*, grant, actor):
        revoked.append((grant.pk, str(actor)))
        return Revocation(grant=grant, state=RevocationState.PENDING)

    monkeypatch.setattr(tokens, "revoke", revoke)
    response = api_client(Scope.TOKENS_REVOKE).delete(address(bot))
    assert response.json() == {"destroyed": True, "revoked": False, "state": "pending"}
    assert revoked == [(grant.pk, "api:system 0")]
