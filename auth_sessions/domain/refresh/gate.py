"""Holding back an app: the rate all its refreshers share, and the pause while the app itself is refused.

The platform allows 50 requests a second and 1000 a minute for each app, tenant and API (page "Rate limits"). Ours is one
a bit below the second, evenly spread, so that people who log in find room. One row per app keeps the account, and the row count of a
conditional update decides: any number of refreshers on any number of hosts share it.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from auth_sessions.models import RefreshGate
from auth_sessions.notify import notify_refresh
from bots.models import Bot
from core.access import audit
from core.access.actors import SYSTEM, Actor
from core.database.text import storable

logger = logging.getLogger("auth_sessions.refresh")

BURST = timedelta(seconds=1)  # of unused rate that is not lost
TRIAL_EVERY = timedelta(minutes=5)


def reserve(bot: Bot, most: int) -> int:
    """How many refresh tokens of this app may be sent now, ``most`` at most; they count as sent."""
    gate = _gate_of(bot)
    now, spacing = timezone.now(), timedelta(seconds=1 / settings.REFRESH_PER_SECOND)
    begin = max(gate.next_slot_at, now - BURST)
    slots = min(most, (now - begin) // spacing)
    if slots <= 0:
        return 0
    won = RefreshGate.objects.filter(pk=gate.pk, next_slot_at=gate.next_slot_at)
    return slots if won.update(next_slot_at=begin + slots * spacing) else 0


def hold_back(bot: Bot, seconds: float) -> None:
    """The platform asked all of us to wait."""
    until = timezone.now() + timedelta(seconds=seconds)
    RefreshGate.objects.filter(pk=_gate_of(bot).pk, next_slot_at__lt=until).update(next_slot_at=until)


def pause(bot: Bot, *, code: int | None, log_id: str) -> None:
    """The app itself was refused: nobody's grant is at fault, and the operator is told once."""
    now, log_id = timezone.now(), storable(log_id, 128)
    gate = RefreshGate.objects.filter(pk=_gate_of(bot).pk)
    if not gate.filter(paused_at=None).update(paused_at=now, tried_at=now, code=code, log_id=log_id):
        gate.update(code=code, log_id=log_id)
        return
    logger.error("app_refresh_paused", extra={"app_id": bot.app_id, "platform_code": code, "log_id": log_id})
    audit.record(actor=SYSTEM, action="bot.refresh_paused", bot=bot, target=bot.app_id, code=code)


def resume(bot: Bot) -> None:
    """The app works again."""
    if RefreshGate.objects.filter(pk=bot.pk).exclude(paused_at=None).update(**_OPEN):
        logger.info("app_refresh_resumed", extra={"app_id": bot.app_id})
        audit.record(actor=SYSTEM, action="bot.refresh_resumed", bot=bot, target=bot.app_id)


_OPEN = {"paused_at": None, "tried_at": None, "code": None, "log_id": ""}


def try_soon(bot: Bot, *, actor: Actor) -> bool:
    """An operator has corrected something: try one grant of the paused app next. False when it is not paused."""
    with transaction.atomic():
        paused = RefreshGate.objects.filter(pk=bot.pk).exclude(paused_at=None).update(tried_at=None)
        if paused:
            audit.record(actor=actor, action="bot.refresh_tried", bot=bot, target=bot.app_id)
            notify_refresh()
    return bool(paused)


def is_paused(bot: Bot) -> bool:
    return RefreshGate.objects.filter(pk=bot.pk).exclude(paused_at=None).exists()


def take_trial(bot: Bot) -> bool:
    """Whether one grant of a paused app may be tried: every five minutes, and as soon as the bot was changed."""
    now = timezone.now()
    waited = Q(tried_at=None) | Q(tried_at__lte=now - TRIAL_EVERY) | Q(tried_at__lt=F("bot__updated_at"))
    # Found first and then taken by what it held: an update cannot look into the bot.
    for tried_at in RefreshGate.objects.filter(waited, pk=bot.pk).values_list("tried_at", flat=True):
        return bool(RefreshGate.objects.filter(pk=bot.pk, tried_at=tried_at).update(tried_at=now))
    return False


def _gate_of(bot: Bot) -> RefreshGate:
    gate, _ = RefreshGate.objects.get_or_create(bot=bot, defaults={"next_slot_at": _long_ago()})
    return gate


def _long_ago() -> datetime:
    return timezone.now() - BURST
