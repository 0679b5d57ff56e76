from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.domain.sessions import (
    authorize_link,
    cancel_session,
    end_overdue_sessions,
    request_authorization,
    supersede_cards,
)
from auth_sessions.enums import Deliver, FailureReason, SessionState, Via
from auth_sessions.errors import InvalidScopesError, NoPublicAddressError
from auth_sessions.models import AuthSession
from bots.errors import BotDisabledError
from core.access.actors import SYSTEM, Actor
from core.access.models import AuditEntry
from tests.factories import make_bot, make_client, make_operator

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


def test_link_is_not_readable_in_the_database(bot):
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
    overdue, fresh = ask(bot), request_authorization(bot=bot, open_id="ou_other", actor=SYSTEM)
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


# --- superseded


def state_of(session: AuthSession) -> SessionState:
    session.refresh_from_db()
    return SessionState(session.state)


def test_new_card_takes_the_place_of_an_older_one_and_says_so(
    bot, no_broker, django_capture_on_commit_callbacks
):
    older = ask(bot)
    with django_capture_on_commit_callbacks(execute=True):
        newer = ask(bot)
    assert (state_of(older), state_of(newer)) == (SessionState.SUPERSEDED, SessionState.PENDING)
    assert sorted(no_broker) == sorted([str(older.pk), str(newer.pk)])
    assert AuditEntry.objects.get(action="auth_session.superseded").detail["session"] == str(older.pk)


def test_cards_that_ask_for_something_else_stay(bot):
    others = [
        ask(bot, scopes=["task:task:read"]),
        ask(bot, deliver=Deliver.LINK),
        request_authorization(bot=bot, open_id="ou_other", actor=SYSTEM),
        request_authorization(bot=make_bot(), open_id="ou_asked", actor=SYSTEM),
        ask(bot, tenant_key="another"),
    ]
    opened = ask(bot, tenant_key="tenant")
    AuthSession.objects.filter(pk=opened.pk).update(state=SessionState.OPENED)
    ask(bot, tenant_key="tenant")
    assert not {state_of(session) for session in (*others, opened)} & {SessionState.SUPERSEDED}


def test_clients_card_is_superseded_by_the_client_and_by_the_person_alone(bot):
    crm, hr = Actor.api(make_client("crm")), Actor.api(make_client("hr"))

    def asked_by(actor: Actor) -> AuthSession:
        return request_authorization(bot=bot, open_id="ou_asked", actor=actor)

    first = asked_by(crm)
    for actor in (hr, SYSTEM, Actor.operator(make_operator())):
        asked_by(actor)
    assert state_of(first) == SessionState.PENDING
    second = asked_by(crm)
    assert (state_of(first), state_of(second)) == (SessionState.SUPERSEDED, SessionState.PENDING)
    asked_by(Actor.user("ou_asked"))
    assert AuthSession.objects.open().count() == 1


def test_the_others_are_superseded_once_the_person_has_authorized(bot):
    authorized = ask(bot)
    AuthSession.objects.filter(pk=authorized.pk).update(state=SessionState.AUTHORIZED)
    opened, more, back = ask(bot), ask(bot, scopes=["task:task:read"]), ask(bot, scopes=["offline_access"])
    AuthSession.objects.filter(pk=opened.pk).update(state=SessionState.OPENED)
    AuthSession.objects.filter(pk=back.pk).update(
        state=SessionState.OPENED, state_used_at=timezone.now(), start_hash="x"
    )
    supersede_cards(authorized, scopes=["offline_access", "contact:user.base:readonly"])
    states = [state_of(session) for session in (opened, more, back)]
    assert states == [SessionState.SUPERSEDED, SessionState.PENDING, SessionState.OPENED]
