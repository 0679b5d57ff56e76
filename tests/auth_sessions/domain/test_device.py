"""Consent by device code: the person consents on the platform's page, workers poll for the outcome."""

import json
from datetime import timedelta

import httpx2
import pytest
from django.db import connection
from django.utils import timezone

from auth_sessions import handlers
from auth_sessions.domain.card_sync import cards_to_sync, sync_card
from auth_sessions.domain.device import claim_start, codes_to_poll, poll_device, start_code
from auth_sessions.domain.sessions import (
    authorize_link,
    cancel_session,
    end_overdue_sessions,
    request_authorization,
)
from auth_sessions.enums import Deliver, FailureReason, SessionState, Via
from auth_sessions.models import AuthSession, DeviceConsent, UserToken
from core.access.actors import SYSTEM
from tests.auth_sessions.conftest import device_answer, oauth_error, token_answer, user_answer
from tests.auth_sessions.test_handlers import click
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def waiting(error: str = "authorization_pending") -> httpx2.Response:
    return httpx2.Response(400, json={"error": error, "error_description": "not yet"})


@pytest.fixture
def session(bot, settings, platform) -> AuthSession:
    """Asked, and its card shown with a live code."""
    settings.PUBLIC_URL = ""
    settings.SWEEP_SECONDS = 0
    session = request_authorization(bot=bot, open_id="ou_asked", tenant_key="tenant", actor=SYSTEM)
    sync_card(session.pk)
    return fresh(session)


def fresh(session: AuthSession) -> AuthSession:
    return AuthSession.objects.select_related("bot", "device").get(pk=session.pk)


def poll(session: AuthSession) -> AuthSession:
    """The poll that is due some time from now, now."""
    DeviceConsent.objects.filter(pk=session.pk, next_poll_at__isnull=False).update(
        next_poll_at=timezone.now()
    )
    assert codes_to_poll() in ([session.pk], [])
    poll_device(session.pk)
    return fresh(session)


def end_code(session: AuthSession) -> None:
    DeviceConsent.objects.filter(pk=session.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def card_in(request: httpx2.Request) -> str:
    return json.dumps(json.loads(json.loads(request.content)["content"]), ensure_ascii=False)


def assert_over(session: AuthSession, state: SessionState, reason: str = "") -> None:
    session = fresh(session)
    assert (session.state, session.reason) == (state, reason)
    assert (session.device.device_code, session.device.next_poll_at) == ("", None)
    assert authorize_link(session) == ""
    if state != SessionState.AUTHORIZED:
        assert not UserToken.objects.exists()


def test_card_leads_to_the_platforms_page_and_shows_the_code(session, platform):
    card = card_in(platform.send.calls.last.request)
    assert "http://platform.test/verify?user_code=ABCD-0001" in card
    assert "**ABCD&#45;0001**" in card
    assert "/oauth/start/" not in card
    assert (session.state, session.via) == (SessionState.SENT, Via.DEVICE)
    assert session.expires_at >= session.device.expires_at


def test_consent_stores_tokens(session, platform):
    platform.token.mock(side_effect=[waiting(), httpx2.Response(200, json=token_answer())])
    assert poll(session).state == SessionState.SENT
    poll(session)
    sent = json.loads(platform.token.calls.last.request.content)
    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code"
    assert sent["device_code"] == "device-code-1"
    assert UserToken.objects.get().access_token == "access-token-1"
    assert_over(session, SessionState.AUTHORIZED)
    sync_card(session.pk)
    assert "已授权" in card_in(platform.patch.calls.last.request)
    assert codes_to_poll() == []


def test_consent_of_another_person_stores_nothing(session, platform):
    platform.user_info.respond(json=user_answer("ou_somebody_else"))
    poll(session)
    assert_over(session, SessionState.FAILED, FailureReason.WRONG_PERSON)


def test_consent_of_the_same_id_in_another_tenant_stores_nothing(session, platform):
    platform.user_info.respond(json=user_answer("ou_asked", tenant_key="another"))
    poll(session)
    assert_over(session, SessionState.FAILED, FailureReason.WRONG_PERSON)


def test_person_who_declines_ends_the_session(session, platform):
    platform.token.mock(return_value=waiting("access_denied"))
    poll(session)
    assert_over(session, SessionState.DENIED)


def test_slow_down_makes_the_next_poll_later(session, platform):
    platform.token.mock(return_value=waiting("slow_down"))
    assert poll(session).device.interval == 10
    assert fresh(session).device.next_poll_at > timezone.now() + timedelta(seconds=8)
    platform.token.mock(return_value=waiting())
    assert poll(session).device.interval == 10


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.ConnectError("away"),
        httpx2.ReadTimeout("slow"),
        httpx2.Response(502, text="bad gateway"),
        httpx2.Response(429, json={"code": 99991400}),
        oauth_error(20072, status=503, error="temporarily_unavailable"),
    ],
)
def test_platform_that_is_away_is_asked_again_less_often(session, platform, answer):
    platform.token.mock(side_effect=[answer, httpx2.Response(200, json=token_answer())])
    later = poll(session).device
    assert later.error
    assert later.interval > 5
    poll(session)
    assert_over(session, SessionState.AUTHORIZED)


def test_misconfigured_app_fails_with_its_code(session, platform):
    platform.token.mock(return_value=oauth_error(20002, error="invalid_client"))
    poll(session)
    assert_over(session, SessionState.FAILED, FailureReason.PLATFORM_ERROR)
    assert fresh(session).error_code == 20002


def test_answer_that_died_with_its_worker_is_an_interruption(session, platform):
    DeviceConsent.objects.update(poll_in_flight=True)
    platform.token.mock(return_value=waiting("invalid_grant"))
    poll(session)
    assert_over(session, SessionState.FAILED, FailureReason.INTERRUPTED)


def test_code_that_was_used_up_elsewhere_is_an_error(session, platform):
    platform.token.mock(return_value=waiting("invalid_grant"))
    poll(session)
    assert_over(session, SessionState.FAILED, FailureReason.PLATFORM_ERROR)


@pytest.mark.parametrize("error", ["expired_token", "invalid_grant", "authorization_pending"])
def test_code_that_ended_unused_leaves_a_card_that_offers_the_next(session, platform, error):
    end_code(session)
    platform.token.mock(return_value=waiting(error))
    assert poll(session).state == SessionState.SENT
    assert cards_to_sync() == [session.pk]
    sync_card(session.pk)
    assert "获取新链接" in card_in(platform.patch.calls.last.request)
    assert cards_to_sync() == []
    assert codes_to_poll() == []


def test_click_on_the_next_code_goes_on_in_the_same_session(session, platform):
    test_code_that_ended_unused_leaves_a_card_that_offers_the_next(session, platform, "expired_token")
    platform.device.respond(json=device_answer(2))
    answer = click(handlers.next_code, session.bot, session)
    assert "user_code=ABCD-0002" in json.dumps(answer["card"])
    assert cards_to_sync() == []
    platform.token.mock(side_effect=None, return_value=httpx2.Response(200, json=token_answer()))
    poll(session)
    assert json.loads(platform.token.calls.last.request.content)["device_code"] == "device-code-2"
    assert_over(session, SessionState.AUTHORIZED)


def test_second_click_on_the_next_code_asks_the_platform_for_no_second_one(session, platform):
    test_code_that_ended_unused_leaves_a_card_that_offers_the_next(session, platform, "expired_token")
    click(handlers.next_code, session.bot, session)
    click(handlers.next_code, session.bot, session)
    assert platform.device.call_count == 2


def test_next_code_that_the_platform_does_not_give_now_is_got_by_the_workers(session, platform):
    test_code_that_ended_unused_leaves_a_card_that_offers_the_next(session, platform, "expired_token")
    platform.device.mock(side_effect=httpx2.ConnectError("away"))
    assert click(handlers.next_code, session.bot, session) == handlers.LINK_ON_ITS_WAY
    platform.device.mock(side_effect=None, return_value=httpx2.Response(200, json=device_answer(3)))
    assert cards_to_sync() == [session.pk]
    sync_card(session.pk)
    assert "user_code=ABCD-0003" in card_in(platform.patch.calls.last.request)


def test_stranger_gets_no_code(session, platform):
    end_code(session)
    platform.token.mock(return_value=waiting("expired_token"))
    poll(session)
    assert click(handlers.next_code, session.bot, session, open_id="ou_stranger") == handlers.NOT_YOURS
    assert click(handlers.next_code, make_bot(), session) == handlers.NOT_YOURS
    assert platform.device.call_count == 1


def test_link_without_a_card_ends_with_its_code(bot, platform):
    session = request_authorization(
        bot=bot, open_id="ou_asked", actor=SYSTEM, via=Via.DEVICE, deliver=Deliver.LINK
    )
    claim_start(session)
    start_code(session)
    end_code(session)
    platform.token.mock(return_value=waiting("expired_token"))
    poll(session)
    assert_over(session, SessionState.EXPIRED)


def test_two_workers_ask_once(session, platform):
    def meanwhile(request):
        poll_device(session.pk)
        return waiting()

    platform.token.mock(side_effect=meanwhile)
    poll(session)
    assert platform.token.call_count == 1


def test_two_workers_start_one_code(bot, platform, settings):
    settings.PUBLIC_URL = ""
    session = request_authorization(bot=bot, open_id="ou_asked", actor=SYSTEM)

    def meanwhile(request):
        sync_card(session.pk)
        return httpx2.Response(200, json=device_answer())

    platform.device.mock(side_effect=meanwhile)
    sync_card(session.pk)
    assert platform.device.call_count == platform.send.call_count == 1


def test_worker_that_died_while_starting_is_replaced(bot, platform, settings):
    settings.PUBLIC_URL = ""
    session = request_authorization(bot=bot, open_id="ou_asked", actor=SYSTEM)
    assert claim_start(session)
    assert not claim_start(session)
    DeviceConsent.objects.update(start_lease_until=timezone.now() - timedelta(seconds=1))
    sync_card(session.pk)
    assert fresh(session).state == SessionState.SENT


def test_platform_without_device_codes_fails_the_session_with_its_code(bot, platform, settings):
    settings.PUBLIC_URL = ""
    session = request_authorization(bot=bot, open_id="ou_asked", actor=SYSTEM)
    platform.device.mock(return_value=oauth_error(20002, error="invalid_client"))
    sync_card(session.pk)
    assert_over(session, SessionState.FAILED, FailureReason.PLATFORM_ERROR)


def test_withdrawn_session_is_polled_no_more(session, platform):
    cancel_session(session, actor=SYSTEM)
    assert_over(session, SessionState.CANCELLED)
    assert codes_to_poll() == []


def test_session_cancelled_while_the_platform_answers_stores_nothing(session, platform):
    def cancel_meanwhile(request):
        cancel_session(fresh(session), actor=SYSTEM)
        return httpx2.Response(200, json=token_answer())

    platform.token.mock(side_effect=cancel_meanwhile)
    poll(session)
    assert_over(session, SessionState.CANCELLED)


def test_overdue_session_expires_with_its_code(session):
    AuthSession.objects.update(expires_at=timezone.now())
    assert end_overdue_sessions() == [session.pk]
    assert_over(session, SessionState.EXPIRED)


def test_try_again_on_an_ended_card_shows_a_new_code_at_once(session, platform):
    platform.token.mock(return_value=waiting("access_denied"))
    poll(session)
    sync_card(session.pk)
    platform.device.respond(json=device_answer(2))
    answer = click(handlers.try_again, session.bot, session)
    assert "user_code=ABCD-0002" in json.dumps(answer["card"])
    assert cards_to_sync() == []


def test_secrets_are_sealed(session):
    row = DeviceConsent.objects.filter(pk=session.pk).values().get()
    stored = repr({name: str.__str__(v) if isinstance(v, str) else v for name, v in row.items()})
    assert not any(secret in stored for secret in ("device-code-1", "ABCD", "verify"))


def test_start_link_of_the_browser_does_not_open_such_a_session(session, client, settings):
    settings.PUBLIC_URL = "http://portal.test"
    assert client.get(f"/oauth/start/{session.start_token}/").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_connection_of_the_database_is_not_held_while_a_code_is_asked_for(bot, settings, platform):
    settings.PUBLIC_URL = ""
    is_held = []

    def answer(_request):
        is_held.append(connection.connection is not None)
        return httpx2.Response(200, json=device_answer())

    platform.device.mock(side_effect=answer)
    asked = request_authorization(bot=bot, open_id="ou_asked", actor=SYSTEM)
    assert claim_start(asked)
    start_code(asked)
    assert is_held == [False]
