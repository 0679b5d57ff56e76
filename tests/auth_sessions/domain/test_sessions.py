from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.domain.sessions import (
    authorize_link,
    cancel_session,
    end_overdue_sessions,
    request_authorization,
)
from auth_sessions.enums import Deliver, FailureReason, SessionState, Via
from auth_sessions.errors import InvalidScopesError, NoPublicAddressError
from auth_sessions.models import AuthSession
from bots.errors import BotDisabledError
from core.access.actors import SYSTEM, Actor
from core.access.models import AuditEntry

pytestmark = pytest.mark.django_db


def ask(bot, **values) -> AuthSession:
    return request_authorization(bot=bot, open_id="ou_asked", actor=SYSTEM, **values)


def test_request_is_pending_until_its_card_is_sent(bot, no_broker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        session = ask(bot)
    assert session.state == SessionState.PENDING
    assert no_broker == [str(session.pk)]


def test_request_asks_for_the_bots_scopes_unless_given_others(bot):
    assert ask(bot).scopes == ["offline_access", "contact:user.base:readonly"]
    assert ask(bot, scopes=["task:task:read", "task:task:read"]).scopes == ["task:task:read"]


@pytest.mark.parametrize("scopes", [[], ["two words"], [""], [f"scope:{n}" for n in range(51)]])
def test_impossible_scopes_are_refused(bot, scopes):
    with pytest.raises(InvalidScopesError):
        ask(bot, scopes=scopes)


def test_request_by_link_sends_no_card(bot, no_broker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        session = ask(bot, deliver=Deliver.LINK)
    assert session.state == SessionState.SENT
    assert no_broker == []


def test_same_request_key_asks_once(bot):
    assert ask(bot, request_key="message:om_1").pk == ask(bot, request_key="message:om_1").pk
    assert AuthSession.objects.count() == 1


def test_link_is_not_readable_in_the_database(bot, django_assert_num_queries):
    session = ask(bot)
    token = authorize_link(session).rstrip("/").rsplit("/", 1)[1]
    values = AuthSession.objects.filter(pk=session.pk).values().get()
    assert token not in repr(
        {name: str.__str__(value) if isinstance(value, str) else value for name, value in values.items()}
    )


def test_consent_is_in_the_browser_where_there_is_a_public_address_and_by_device_code_where_not(
    bot, settings
):
    assert ask(bot).via == Via.BROWSER
    assert ask(bot, via=Via.DEVICE).via == Via.DEVICE
    bot.asks_by_device_code = True
    assert ask(bot).via == Via.DEVICE
    assert ask(bot, via=Via.BROWSER).via == Via.BROWSER
    settings.PUBLIC_URL = ""
    assert ask(bot).via == Via.DEVICE
    with pytest.raises(NoPublicAddressError, match="PUBLIC_URL"):
        ask(bot, via=Via.BROWSER)


def test_request_for_a_disabled_bot_is_refused(bot):
    bot.enabled = False
    with pytest.raises(BotDisabledError):
        ask(bot)


def test_cancelled_session_stays_cancelled(bot):
    session = ask(bot)
    assert cancel_session(session, actor=Actor("operator", "lin"))
    assert not cancel_session(session, actor=Actor("operator", "lin"))
    assert session.state == SessionState.CANCELLED
    assert AuditEntry.objects.filter(action="auth_session.cancelled", actor="operator:lin").count() == 1


def test_only_overdue_sessions_expire(bot):
    overdue, fresh = ask(bot), ask(bot)
    AuthSession.objects.filter(pk=overdue.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert end_overdue_sessions() == [overdue.pk]
    fresh.refresh_from_db()
    assert fresh.is_open


def test_sweep_fails_a_session_whose_return_was_interrupted(bot):
    dead, busy, overdue = ask(bot), ask(bot), ask(bot)
    now = timezone.now()
    opened = {"state": SessionState.OPENED}
    AuthSession.objects.filter(pk=dead.pk).update(state_used_at=now - timedelta(minutes=3), **opened)
    AuthSession.objects.filter(pk=busy.pk).update(state_used_at=now - timedelta(minutes=1), **opened)
    AuthSession.objects.filter(pk=overdue.pk).update(
        state_used_at=now - timedelta(minutes=1), expires_at=now, **opened
    )
    assert set(end_overdue_sessions()) == {dead.pk, overdue.pk}
    dead.refresh_from_db()
    assert (dead.state, dead.reason) == (SessionState.FAILED, FailureReason.INTERRUPTED)
