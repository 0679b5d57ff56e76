"""The exchange of the code for tokens: what the platform answers, and what each answer ends in."""

import json
from datetime import timedelta

import httpx2
import pytest
from django.db import connection
from django.utils import timezone
from django.utils.html import escape

from auth_sessions.domain.sessions import request_authorization
from auth_sessions.enums import FailureReason, SessionState
from auth_sessions.models import AuthSession, UserToken
from bots.enums import TokenEndpoint
from bots.models import Bot
from core.access.actors import SYSTEM
from feishu.codes import explain
from feishu.reasons import Reason
from tests.auth_sessions.conftest import oauth_error, token_answer, user_answer
from tests.auth_sessions.domain.consent_journey import assert_ended, come_back, open_link

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(bot) -> AuthSession:
    return request_authorization(bot=bot, open_id="ou_asked", tenant_key="tenant", actor=SYSTEM)


@pytest.mark.parametrize("name", ["李" * 300, "NUL \x00", "half a pair \ud83d"])
def test_name_that_no_column_takes_does_not_cost_the_consent(session, client, platform, name):
    who = json.loads(json.dumps(user_answer("ou_asked")))
    who["data"]["name"] = name
    platform.user_info.respond(content=json.dumps(who).encode())
    query = open_link(session, client)
    assert come_back(session, client, state=query["state"], code="c").status_code == 200
    assert_ended(session, SessionState.AUTHORIZED)


def test_platform_refuses_the_code(session, client, platform):
    platform.token.mock(return_value=oauth_error(20003))
    query = open_link(session, client)
    response = come_back(session, client, state=query["state"], code="c")
    assert response.status_code == 502
    assert "20003" in response.text
    assert "log-20003" in response.text
    assert_ended(session, SessionState.FAILED, FailureReason.PLATFORM_ERROR)
    assert (session.error_code, session.error_log_id) == (20003, "log-20003")


def test_platform_busy_for_a_moment_is_asked_again(session, client, platform):
    busy = oauth_error(20072, status=503, error="temporarily_unavailable")
    platform.token.mock(side_effect=[busy, httpx2.Response(200, json=token_answer())])
    query = open_link(session, client)
    assert come_back(session, client, state=query["state"], code="c").status_code == 200


@pytest.mark.parametrize("second", [oauth_error(20065), oauth_error(20003), httpx2.ReadTimeout("slow")])
@pytest.mark.parametrize(
    ("first", "reason", "words"),
    [
        (httpx2.Response(502, html="<html>Bad Gateway</html>"), Reason.HTTP, "HTTP 502"),
        (httpx2.Response(200, json={"status": "login required"}), Reason.MALFORMED, "login required"),
        (
            httpx2.Response(302, headers={"Location": "https://login.test/?t=s3cr3t"}),
            Reason.REDIRECTED,
            "login.test",
        ),
        (
            httpx2.Response(
                200, content="<html>网关错误".encode("gbk"), headers={"Content-Type": "text/html"}
            ),
            Reason.MALFORMED,
            "网关错误",
        ),
    ],
)
def test_second_try_does_not_hide_the_first_error(session, client, platform, first, reason, words, second):
    platform.token.mock(side_effect=[first, second])
    query = open_link(session, client)
    page = come_back(session, client, state=query["state"], code="the-code").text
    assert_ended(session, SessionState.FAILED, FailureReason.UNREADABLE)
    assert (session.error_reason, session.error_code) == (reason, None)
    assert words in session.error_said
    assert "s3cr3t" not in session.error_said
    assert "20065" not in page
    assert escape(explain(None, reason).cause.en_us) in page


def test_second_try_after_an_answer_of_somebody_else_may_bring_the_tokens(session, client, platform):
    platform.token.mock(side_effect=[httpx2.Response(502), httpx2.Response(200, json=token_answer())])
    query = open_link(session, client)
    assert come_back(session, client, state=query["state"], code="c").status_code == 200


def test_address_without_the_endpoint_is_named_with_its_cure(session, client, platform):
    platform.token.mock(return_value=httpx2.Response(404, html="<html>404 page not found</html>"))
    query = open_link(session, client)
    page = come_back(session, client, state=query["state"], code="c").text
    assert session.bot.token_endpoint == "v3"
    assert escape(explain(None, Reason.NO_ENDPOINT).cause.en_us) in page


def test_consent_at_a_deployment_that_knows_only_the_oldest_endpoint(session, client, platform):
    Bot.objects.update(token_endpoint=TokenEndpoint.V1)
    platform.router.post("/open-apis/auth/v3/app_access_token/internal").respond(
        json={
            "code": 0,
            "msg": "ok",
            "app_access_token": "a-fc",
            "tenant_access_token": "t-fc",
            "expire": 7140,
        }
    )
    tokens = {
        "access_token": "u-fc",
        "refresh_token": "ur-fc",
        "token_type": "Bearer",
        "expires_in": 7199,
        "refresh_expires_in": 2591999,
        "scope": "auth:user.id:read",
    }
    platform.router.post("/open-apis/authen/v1/oidc/access_token").respond(
        json={"code": 0, "msg": "success", "data": tokens}
    )
    query = open_link(session, client)
    assert come_back(session, client, state=query["state"], code="c").status_code == 200
    grant = UserToken.objects.get()
    assert (grant.access_token, grant.refresh_token, grant.scopes) == ("u-fc", "ur-fc", ["auth:user.id:read"])
    assert grant.refresh_expires_at > timezone.now() + timedelta(days=29)
    assert not platform.token.called


def test_answer_lost_on_the_way_is_not_asked_for_again(session, client, platform):
    platform.token.mock(side_effect=httpx2.ReadTimeout("slow"))
    query = open_link(session, client)
    assert come_back(session, client, state=query["state"], code="c").status_code == 502
    assert platform.token.call_count == 1
    assert_ended(session, SessionState.FAILED, FailureReason.UNREACHABLE)


def test_consent_without_offline_access_is_stored_without_refresh(session, client, platform):
    answer = token_answer(scope="contact:user.base:readonly")
    del answer["refresh_token"], answer["refresh_token_expires_in"]
    platform.token.respond(json=answer)
    query = open_link(session, client)
    assert come_back(session, client, state=query["state"], code="c").status_code == 200
    grant = UserToken.objects.get()
    assert (grant.refresh_token, grant.next_refresh_at) == ("", None)


@pytest.mark.parametrize("scope", [None, ""])
def test_consent_without_scopes_in_the_answer_is_for_those_that_were_asked_for(
    session, client, platform, scope
):
    platform.token.respond(json=token_answer(scope=scope))
    query = open_link(session, client)
    assert come_back(session, client, state=query["state"], code="c").status_code == 200
    assert UserToken.objects.get().scopes == session.scopes


def test_platform_that_says_whose_the_tokens_are_at_the_second_try_costs_nobody_the_consent(
    session, client, platform
):
    platform.user_info.mock(
        side_effect=[httpx2.ReadTimeout("slow"), httpx2.Response(200, json=user_answer("ou_asked"))]
    )
    query = open_link(session, client)
    assert come_back(session, client, state=query["state"], code="c").status_code == 200
    assert_ended(session, SessionState.AUTHORIZED)


@pytest.mark.parametrize("revoked", [200, 500])
def test_tokens_of_nobody_knows_whom_are_withdrawn_at_the_platform(session, client, platform, revoked):
    platform.user_info.respond(json={"code": 20005, "msg": "invalid"})
    platform.revoke.respond(revoked)
    query = open_link(session, client)
    come_back(session, client, state=query["state"], code="c")
    session.refresh_from_db()
    assert session.state == SessionState.FAILED
    assert platform.revoke.call_count == 1
    assert b"token=refresh-token-1" in platform.revoke.calls.last.request.content


@pytest.mark.django_db(transaction=True)
def test_connection_of_the_database_is_not_held_while_the_platform_is_asked(session, client, platform):
    is_held = []

    def saying(body):
        def answer(_request):
            is_held.append(connection.connection is not None)
            return httpx2.Response(200, json=body)

        return answer

    platform.token.mock(side_effect=saying(token_answer()))
    platform.user_info.mock(side_effect=saying(user_answer("ou_asked")))
    query = open_link(session, client)
    assert come_back(session, client, state=query["state"], code="c").status_code == 200
    assert is_held == [False, False]
