"""A deleted bot takes people's authorizations along, a bounded number at a time."""

import pytest
from django.utils import timezone

from auth_sessions.domain import bot_removal
from auth_sessions.domain.revocation.service import revoke_later
from auth_sessions.domain.sessions import request_authorization
from auth_sessions.domain.tokens.uses import record_hand_out
from auth_sessions.models import AuthSession, RefreshAttempt, Revocation, SelfServiceLink, TokenUse, UserToken
from bots.models import Bot
from bots.removal import remove
from bots.service import delete_bot
from core.access.actors import SYSTEM
from tests.factories import make_bot, make_client, make_grant

pytestmark = pytest.mark.django_db
KEPT = (TokenUse, SelfServiceLink, RefreshAttempt, Revocation, AuthSession, UserToken)


def fill(bot: Bot, people: int) -> None:
    """Something of everything, for each person."""
    for number in range(people):
        grant = make_grant(bot, open_id=f"ou_{number}")
        record_hand_out(grant, client=make_client())
        RefreshAttempt.objects.create(token=grant, generation=1)
        request_authorization(bot=bot, open_id=grant.open_id, actor=SYSTEM)
        SelfServiceLink.objects.create(
            bot=bot, open_id=grant.open_id, token_hash=f"{bot.pk}{number}"[-64:], expires_at=timezone.now()
        )
        revoke_later(grant=grant, actor=SYSTEM)


def test_everything_goes_in_small_steps_and_nothing_of_another_bot(monkeypatch):
    monkeypatch.setattr(bot_removal, "BATCH", 2)
    bot, other = make_bot(), make_bot()
    fill(bot, 5)
    fill(other, 1)
    delete_bot(bot, actor=SYSTEM)
    assert not remove(bot, seconds=0)
    assert Bot.with_deleted.filter(pk=bot.pk).exists()
    assert remove(bot, seconds=20)
    assert list(Bot.with_deleted.all()) == [other]
    assert [model.objects.count() for model in KEPT] == [1] * len(KEPT)


def test_step_takes_a_bounded_number_of_rows(monkeypatch):
    monkeypatch.setattr(bot_removal, "BATCH", 2)
    bot = make_bot()
    fill(bot, 5)
    assert not bot_removal.remove_authorizations(bot)
    assert TokenUse.objects.count() == 3
