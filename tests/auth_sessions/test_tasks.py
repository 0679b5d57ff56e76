"""What the sweep finds to do; the rest of it has tests where its functions are."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from auth_sessions import tasks
from auth_sessions.domain import card_sync, device
from auth_sessions.enums import FailureReason, Notice, RevocationState, SessionState
from auth_sessions.models import AuthSession, Campaign, Revocation
from bots.enums import MOVING_MAILINGS, MailingState
from bots.models import Bot
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the sweep looked for."""
    looked: list[str] = []

    def note(name: str) -> Callable[..., list[Any]]:
        return lambda *_arguments: looked.append(name) or []  # type: ignore[func-returns-value]

    for name in ("end_overdue_sessions", "remind_of_ends", "unfinished_revocations"):
        monkeypatch.setattr(tasks, name, note(name))
    monkeypatch.setattr(card_sync, "cards_to_sync", note("cards_to_sync"))
    monkeypatch.setattr(device, "codes_to_poll", note("codes_to_poll"))
    monkeypatch.setattr(tasks.walk, "due", note("due"))
    return looked


def _session(bot: Bot, **values: Any) -> AuthSession:
    reason = FailureReason.WRONG_PERSON if values["state"] == SessionState.FAILED else ""
    return AuthSession.objects.create(
        bot=bot, open_id="ou_asked", reason=reason, expires_at=timezone.now(), **values
    )


@pytest.mark.parametrize("state", list(SessionState))
def test_sessions_are_looked_for_while_one_is_open_or_its_card_untrue(looked, state):
    is_open = state in {SessionState.PENDING, SessionState.SENT, SessionState.OPENED}
    session = _session(make_bot(), state=state)
    tasks.sweep()
    assert looked == (["end_overdue_sessions", "codes_to_poll", "cards_to_sync"] if is_open else [])
    if not is_open:
        AuthSession.objects.filter(pk=session.pk).update(message_id="om_1", card_state=SessionState.SENT)
        tasks.sweep()
        assert looked == ["cards_to_sync"]


def test_reminders_revocations_and_campaigns_are_looked_for_while_there_are_some(looked):
    bot = make_bot()
    make_grant(bot, next_reminder_at=None)
    tasks.sweep()
    assert looked == []
    grant = make_grant(bot, open_id="ou_other", next_reminder_at=timezone.now())
    tasks.sweep()
    grant.delete()
    grant = make_grant(bot, open_id="ou_third", next_reminder_at=None)
    for values in ({"state": RevocationState.PENDING}, {"state": RevocationState.DONE, "notice": Notice.DUE}):
        revocation = Revocation.objects.create(grant=grant, **values)
        tasks.sweep()
        revocation.delete()
    for state in MailingState:
        campaign = Campaign.objects.create(bot=bot, name="c", state=state)
        tasks.sweep()
        campaign.delete()
    found = ["remind_of_ends", "unfinished_revocations", "unfinished_revocations"]
    assert looked == found + ["due"] * len(MOVING_MAILINGS)
