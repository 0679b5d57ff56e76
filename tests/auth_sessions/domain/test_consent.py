"""Consent in the browser, from the card's link to the page that shows the outcome."""

import base64
import hashlib
import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from django.test import Client
from django.utils import timezone

from auth_sessions.domain.sessions import end_overdue_sessions, request_authorization
from auth_sessions.enums import FailureReason, SessionState
from auth_sessions.models import AuthSession, UserToken
from bots.models import Person
from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from tests.auth_sessions.conftest import token_answer, user_answer
from tests.auth_sessions.domain.consent_journey import (
    assert_ended,
    come_back,
    open_link,
    path_of,
    visit,
)
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(bot) -> AuthSession:
    return request_authorization(bot=bot, open_id="ou_asked", tenant_key="tenant", actor=SYSTEM)


def test_link_leads_to_the_platforms_consent_page(session, client, settings):
    response = visit(session, client)
    url = urlsplit(response["Location"])
    query = parse_qs(url.query)
    assert f"{url.scheme}://{url.netloc}{url.path}" == "http://platform.test/open-apis/authen/v1/authorize"
    assert query["client_id"] == [session.bot.app_id]
    assert query["redirect_uri"] == [f"{settings.PUBLIC_URL}/oauth/callback/{session.bot.app_id}/"]
    assert query["scope"] == ["offline_access contact:user.base:readonly"]
    assert query["code_challenge_method"] == ["S256"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]
    assert_ended(session, SessionState.OPENED)


def test_consent_stores_tokens_and_says_so(
    session, client, platform, no_broker, django_capture_on_commit_callbacks
):
    query = open_link(session, client)
    with django_capture_on_commit_callbacks(execute=True):
        response = come_back(session, client, state=query["state"], code="the-code")
    assert response.status_code == 200
    assert "Authorized" in response.text
    assert_ended(session, SessionState.AUTHORIZED)
    grant = UserToken.objects.get()
    assert (grant.open_id, grant.access_token, grant.refresh_token) == (
        "ou_asked",
        "access-token-1",
        "refresh-token-1",
    )
    assert Person.objects.get(open_id="ou_asked").name == "李雷"
    assert (
        timezone.now() + timedelta(minutes=50)
        < grant.next_refresh_at
        < timezone.now() + timedelta(minutes=70)
    )
    assert no_broker == [str(session.pk)]


def test_code_is_exchanged_with_verifier_and_redirect_uri(session, client, platform):
    query = open_link(session, client)
    come_back(session, client, state=query["state"], code="the-code")
    sent = json.loads(platform.token.calls.last.request.content)
    challenge = (
        base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"].encode()).digest())
        .rstrip(b"=")
        .decode()
    )
    assert challenge == query["code_challenge"]
    assert sent["redirect_uri"] == query["redirect_uri"]
    assert sent["code"] == "the-code"


def test_page_speaks_the_browsers_language(session, client, platform):
    query = open_link(session, client)
    response = come_back(
        session, client, language="zh-CN,zh;q=0.9", state=query["state"], error="access_denied"
    )
    assert 'lang="zh-hans"' in response.text.lower()
    assert "Nothing was stored" not in response.text


def test_person_who_declines_ends_the_session(session, client, platform):
    query = open_link(session, client)
    response = come_back(session, client, state=query["state"], error="access_denied")
    assert response.status_code == 200
    assert_ended(session, SessionState.DENIED)
    assert not platform.token.called


def test_consent_of_another_person_stores_nothing(session, client, platform):
    platform.user_info.respond(json=user_answer("ou_somebody_else"))
    query = open_link(session, client)
    assert come_back(session, client, state=query["state"], code="c").status_code == 403
    assert_ended(session, SessionState.FAILED, FailureReason.WRONG_PERSON)


def test_consent_of_the_same_id_in_another_tenant_stores_nothing(session, client, platform):
    platform.user_info.respond(json=user_answer("ou_asked", tenant_key="another"))
    query = open_link(session, client)
    assert come_back(session, client, state=query["state"], code="c").status_code == 403
    assert_ended(session, SessionState.FAILED, FailureReason.WRONG_PERSON)


def test_state_works_once(session, client, platform):
    query = open_link(session, client)
    come_back(session, client, state=query["state"], code="c")
    again = come_back(session, client, state=query["state"], code="another")
    assert again.status_code == 410
    assert platform.token.call_count == 1
    assert_ended(session, SessionState.AUTHORIZED)


def test_answer_in_another_browser_fails_the_session(session, client, platform):
    query = open_link(session, client)
    assert come_back(session, Client(), state=query["state"], code="c").status_code == 403
    assert_ended(session, SessionState.FAILED, FailureReason.OTHER_BROWSER)
    assert not platform.token.called


@pytest.mark.parametrize(
    ("who", "query", "action"),
    [
        ("ou_asked", {"code": "c"}, "auth_session.authorized"),
        ("ou_other", {"code": "c"}, "auth_session.failed"),
        ("ou_asked", {"error": "access_denied"}, "auth_session.denied"),
        ("ou_asked", {"error": "odd"}, "auth_session.failed"),
    ],
)
def test_end_of_a_consent_is_written_down_with_the_browsers_address(session, platform, who, query, action):
    platform.user_info.respond(json=user_answer(who))
    client = Client(REMOTE_ADDR="192.0.2.7")
    come_back(session, client, state=open_link(session, client)["state"], **query)
    assert AuditEntry.objects.get(action=action).address == "192.0.2.7"


def test_answer_for_another_bot_changes_nothing(session, client, platform):
    query = open_link(session, client)
    response = come_back(session, client, app_id=make_bot().app_id, state=query["state"], code="c")
    assert response.status_code == 400
    assert_ended(session, SessionState.OPENED)


@pytest.mark.parametrize("state", ["", "made-up"])
def test_unknown_state_changes_nothing(session, client, platform, state):
    open_link(session, client)
    assert come_back(session, client, state=state, code="c").status_code == 400
    assert_ended(session, SessionState.OPENED)


def test_state_of_an_earlier_tab_does_not_work_and_the_later_one_does(session, client, platform):
    first = open_link(session, client)
    second = open_link(session, client)
    assert come_back(session, client, state=first["state"], code="c").status_code == 400
    assert come_back(session, client, state=second["state"], code="c").status_code == 200


def test_answer_that_comes_too_late_expires_the_session(session, client, platform):
    query = open_link(session, client)
    AuthSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert come_back(session, client, state=query["state"], code="c").status_code == 410
    assert_ended(session, SessionState.EXPIRED)
    assert not platform.token.called


def test_person_back_in_time_does_not_expire_while_the_platform_is_asked(session, client, platform):
    def sweep_meanwhile(request):
        AuthSession.objects.filter(expires_at__lt=timezone.now() + timedelta(seconds=30)).update(
            expires_at=timezone.now()
        )
        end_overdue_sessions()
        return httpx2.Response(200, json=token_answer())

    platform.token.mock(side_effect=sweep_meanwhile)
    query = open_link(session, client)
    AuthSession.objects.update(expires_at=timezone.now() + timedelta(seconds=5))
    assert come_back(session, client, state=query["state"], code="c").status_code == 200
    assert_ended(session, SessionState.AUTHORIZED)


def test_browser_is_remembered_as_long_as_the_link_lives(session, client, settings):
    settings.AUTH_SESSION_MINUTES = 600
    cookie = visit(session, client).cookies["feishu_portal_auth"]
    assert cookie["max-age"] >= 600 * 60


@pytest.mark.parametrize("path", ["/oauth/callback/%00/?state=s&code=c", "/oauth/start/%00/"])
def test_address_that_no_database_takes_is_refused(db, client, path):
    assert client.get(path).status_code == 400


def test_platform_that_sends_the_browser_back_with_an_error_is_quoted(session, client, platform):
    query = open_link(session, client)
    come_back(session, client, state=query["state"], error="invalid_scope")
    assert_ended(session, SessionState.FAILED, FailureReason.PLATFORM_ERROR)
    assert session.error_said == "invalid_scope"


def test_second_consent_replaces_the_first_and_raises_the_generation(bot, client, platform):
    for number in (1, 2):
        platform.token.respond(json=token_answer(number))
        session = request_authorization(bot=bot, open_id="ou_asked", actor=SYSTEM)
        query = open_link(session, client)
        come_back(session, client, state=query["state"], code="c")
    grant = UserToken.objects.get()
    assert (grant.generation, grant.access_token) == (2, "access-token-2")


def test_link_belongs_to_the_browser_that_opened_it_first(session, client):
    open_link(session, client)
    for elsewhere in (
        Client().get(path_of(session)),
        visit(session, Client()),
        Client().post(path_of(session)),
    ):
        assert elsewhere.status_code == 403
    assert visit(session, client).status_code == 302


def test_link_is_dead_after_the_end(session, client, platform):
    query = open_link(session, client)
    come_back(session, client, state=query["state"], code="c")
    assert client.get(path_of(session)).status_code == 410


def test_link_that_is_opened_too_late_expires_the_session(session, client):
    AuthSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(path_of(session)).status_code == 410
    assert_ended(session, SessionState.EXPIRED)


def test_link_that_was_made_up_is_refused(db, client):
    assert client.get("/oauth/start/made-up/").status_code == 400


@pytest.mark.parametrize("headers", [{}, {"Sec-Purpose": "prefetch"}, {"Sec-Fetch-User": "?0"}])
def test_scanner_that_reads_the_link_first_does_not_use_it_up(session, client, headers):
    for _ in range(3):
        page = Client().get(path_of(session), headers=headers)
        assert page.status_code == 200
        assert "feishu_portal_auth" not in page.cookies
        assert 'method="post"' in page.text
    assert client.head(path_of(session)).status_code == 405
    session.refresh_from_db()
    assert (session.state, session.browser_hash) == (SessionState.PENDING, "")


def test_button_of_the_page_in_between_goes_on_to_the_platform(session, client, platform):
    page = client.get(path_of(session))
    assert "form-action 'self' http://platform.test" in page["Content-Security-Policy"]
    response = client.post(path_of(session))
    assert response.status_code == 302
    state = parse_qs(urlsplit(response["Location"]).query)["state"][0]
    assert come_back(session, client, state=state, code="c").status_code == 200
    assert_ended(session, SessionState.AUTHORIZED)


def test_page_in_between_takes_no_forged_form(session):
    assert Client(enforce_csrf_checks=True).post(path_of(session)).status_code == 403
    session.refresh_from_db()
    assert session.state == SessionState.PENDING


def test_link_of_a_disabled_bot_is_refused(session, client):
    session.bot.enabled = False
    session.bot.save()
    assert client.get(path_of(session)).status_code == 410


def test_no_page_shows_a_secret(session, client, platform):
    query = open_link(session, client)
    text = come_back(session, client, state=query["state"], code="the-code").text
    for secret in (query["state"], "the-code", "access-token-1", "refresh-token-1", session.start_token):
        assert secret not in text


def test_link_of_an_authorization_under_way_says_so(session, client, platform):
    def open_meanwhile(request):
        page = client.get(path_of(session), headers={"Accept-Language": "en"})
        assert page.status_code == 409
        assert "being completed" in page.text
        return httpx2.Response(200, json=token_answer())

    platform.token.mock(side_effect=open_meanwhile)
    query = open_link(session, client)
    assert come_back(session, client, state=query["state"], code="c").status_code == 200


def test_code_is_exchanged_again_after_the_pause_that_the_platform_asks_for(
    session, client, platform, no_pause
):
    limited = httpx2.Response(
        429, json={"code": 99991400, "msg": "slow down"}, headers={"x-ogw-ratelimit-reset": "3"}
    )
    platform.token.side_effect = [limited, httpx2.Response(200, json=token_answer())]
    come_back(session, client, state=open_link(session, client)["state"], code="a-code")
    assert_ended(session, SessionState.AUTHORIZED)
    assert no_pause == [3.0]


def test_nobody_is_kept_waiting_for_a_long_pause(session, client, platform, no_pause):
    limited = httpx2.Response(
        429, json={"code": 99991400, "msg": "slow down"}, headers={"x-ogw-ratelimit-reset": "60"}
    )
    platform.token.side_effect = [limited]
    come_back(session, client, state=open_link(session, client)["state"], code="a-code")
    session.refresh_from_db()
    assert (session.state, session.error_code) == (SessionState.FAILED, 99991400)
    assert (platform.token.call_count, no_pause) == (1, [])


def test_console_does_not_promise_what_nobody_does(session, client, platform, admin_client):
    platform.token.respond(400, json={"code": 20050, "error": "server_error", "error_description": "busy"})
    come_back(session, client, state=open_link(session, client)["state"], code="a-code")
    session.refresh_from_db()
    assert session.state == SessionState.FAILED
    path = f"/admin/auth_sessions/authsession/{session.pk}/change/"
    page = admin_client.get(path, headers={"Accept-Language": "en"}).content.decode()
    assert "Try again a little later" in page
    assert "retried automatically" not in page
