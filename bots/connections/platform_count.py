"""The platform's own count of a bot's long connections against ours: who steals events, and what only seems to stand.

Any worker asks, whoever claims the row first; so a fleet on several hosts asks no more often than one process. The
question is ``GET /open-apis/event/v1/connection`` (Feishu documentation, "Get the number of online long connections").
It may count against the quota of a tenant's API calls, so it is asked sparingly: twice an hour, more often where events
have stopped coming, and soon after a loss. Both are judged only when two looks in a row say the same, and never while
connections come, go or move: what is left of a connection that was lost may be counted for minutes.
"""

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from bots.enums import SlotState
from bots.live_updates import bots_changed
from bots.models import Bot, ConnectionLoss, ConnectionSlot, PlatformCount
from bots.models.connections import PROOF
from core.database.clock import DatabaseTime
from core.database.text import storable
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI
from feishu.transport import Transport

logger = logging.getLogger("bots.platform_count")

AGAIN: Final = timedelta(minutes=2)
"""Until the look that confirms a difference, or after a loss."""
SETTLED: Final = timedelta(minutes=1)
"""A connection younger than that may not be in the platform's count yet."""
GHOST: Final = timedelta(minutes=5)
"""For so long what is left of a lost connection may still be counted."""
QUIET: Final = timedelta(hours=1)
"""Without an event for so long, the platform is asked three times as often."""
CLAIM: Final = timedelta(minutes=2)
"""Until somebody else may ask in place of a worker that died."""
AT_ONCE: Final = 50
"""Bots asked about in one sweep."""
MOST_RENEWALS: Final = 2
"""After so many connections made anew in vain, it is the count that is wrong."""


@dataclass(frozen=True, slots=True)
class Held:
    """Connections that stand here. ``moving``: of these, on the move to another process, which the platform sees twice."""

    count: int
    moving: int
    settled: bool

    @property
    def most(self) -> int:
        return self.count + self.moving


def due_bots() -> list[UUID]:
    """Bots to ask about now, each claimed for the caller."""
    if not settings.PLATFORM_LOOK_MINUTES:
        return []
    listening = Bot.objects.listening()
    now = timezone.now()
    PlatformCount.objects.bulk_create(
        [PlatformCount(bot=bot, next_look_at=now + AGAIN) for bot in listening.filter(platform_count=None)],
        ignore_conflicts=True,
    )
    due = PlatformCount.objects.filter(next_look_at__lte=now, bot__in=listening).order_by("next_look_at")
    return [
        pk
        for pk, at in due.values_list("pk", "next_look_at")[:AT_ONCE]
        if PlatformCount.objects.filter(pk=pk, next_look_at=at).update(next_look_at=now + CLAIM)
    ]


def check(bot_id: UUID, *, transport: Transport | None = None) -> None:
    """Ask the platform, compare, and have what it does not know any more made anew."""
    bot = Bot.objects.listening().select_related("platform_count").filter(pk=bot_id).first()
    if bot is None:
        return
    known = bot.platform_count
    before = _held(bot)
    try:
        online = OpenAPI(bot.credentials, transport).connection_count()
    except (FeishuError, SealedValueError) as error:
        _note(known, next_look_at=_later(bot), **_problem(error))
        return
    after = _held(bot)
    if online is None:
        _note(known, online=None, held=after.count, more_looks=0, fewer_looks=0, next_look_at=_later(bot))
        return
    _note(known, online=online, held=after.count, **_judged(bot, known, online, before, after))


def check_soon(bot_ids: set[UUID]) -> None:
    """A connection was lost: have these bots looked at as soon as it makes sense."""
    soon = timezone.now() + AGAIN
    PlatformCount.objects.filter(bot__in=bot_ids, next_look_at__gt=soon).update(next_look_at=soon)


def _judged(bot: Bot, known: PlatformCount, online: int, before: Held, after: Held) -> dict[str, object]:
    """The columns that say what the difference means."""
    now = timezone.now()
    if not (before.settled and after.settled):
        return {"next_look_at": now + AGAIN}
    if online > max(before.most, after.most):
        if ConnectionLoss.objects.since(now - GHOST).filter(bot=bot).exists():
            return {"next_look_at": now + AGAIN}
        looks = known.more_looks + 1
        if looks == PROOF:
            logger.warning(
                "foreign_connection", extra={"app_id": bot.app_id, "online": online, "held": after.count}
            )
        return {
            "more_looks": looks,
            "fewer_looks": 0,
            "next_look_at": now + AGAIN if looks < PROOF else _later(bot),
        }
    if online < min(before.count, after.count):
        looks = known.fewer_looks + 1
        if looks < PROOF:
            return {"more_looks": 0, "fewer_looks": looks, "next_look_at": now + AGAIN}
        return {"more_looks": 0} | _renewed(bot, known, after.count - online)
    return {"more_looks": 0, "fewer_looks": 0, "renewals": 0, "next_look_at": _later(bot)}


def _renewed(bot: Bot, known: PlatformCount, missing: int) -> dict[str, object]:
    """Have as many connections made anew as the platform misses, the oldest first: which ones it misses it does not say.

    Not those on which an event came since the look before: they are well.
    """
    if known.renewals >= MOST_RENEWALS:
        return {"fewer_looks": known.fewer_looks + 1, "next_look_at": _later(bot)}
    silent = Q(last_message_at=None) | Q(last_message_at__lt=known.looked_at)
    candidates = (
        bot.slots.open().filter(silent).order_by("connected_at", "number").values_list("pk", flat=True)
    )
    chosen = list(candidates[:missing])
    ConnectionSlot.objects.filter(pk__in=chosen, state=SlotState.CONNECTED).update(
        half_open_at=timezone.now()
    )
    logger.warning("half_open", extra={"app_id": bot.app_id, "connections": len(chosen)})
    return {"fewer_looks": 0, "renewals": F("renewals") + 1, "next_look_at": timezone.now() + AGAIN}


def _note(known: PlatformCount, **values: object) -> None:
    unharmed = {"error_code": None, "error_message": ""}
    PlatformCount.objects.filter(pk=known.pk).update(looked_at=timezone.now(), **(unharmed | values))
    bots_changed([known.pk])


def _problem(error: FeishuError | SealedValueError) -> dict[str, object]:
    code = error.code if isinstance(error, FeishuError) else None
    return {"error_code": code, "error_message": storable(str(error), 500)}


def _later(bot: Bot) -> datetime:
    """Within the usual interval; earlier for a bot that has heard no event for long."""
    heard = bot.slots.filter(last_message_at__gt=timezone.now() - QUIET).exists()
    minutes = settings.PLATFORM_LOOK_MINUTES / (1 if heard else 3)
    return timezone.now() + timedelta(minutes=minutes * random.uniform(0.8, 1.2))  # noqa: S311 -- spread, no secret


def _held(bot: Bot) -> Held:
    opened = bot.slots.open()
    moving = opened.filter(successor__isnull=False, successor_until__gte=DatabaseTime()).count()
    young = opened.filter(connected_at__gt=timezone.now() - SETTLED).exists()
    connecting = bot.slots.filter(state=SlotState.CONNECTING, lease_until__gt=DatabaseTime()).exists()
    return Held(opened.count(), moving, settled=not (moving or young or connecting))
