"""The platform's own count of a bot's long connections against ours: other programs that take events, and connections
that are open only on our side.

Any worker asks, whoever claims the row first; so a fleet on several hosts asks no more often than one process. The
question is ``GET /open-apis/event/v1/connection`` (Feishu documentation, "Get the number of online long connections").
It may count against the quota of a tenant's API calls, so it is asked sparingly: twice an hour, more often where events
have stopped coming, and soon after a loss. A difference means something only when two counts in a row show it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from bots.connections.advice import words_of_platform
from bots.enums import SlotState
from bots.live_updates import bots_changed
from bots.models import Bot, ConnectionLoss, ConnectionSlot, PlatformCount
from bots.models.connections import PROOF
from core.background.spread import spread
from core.database.clock import DatabaseTime
from core.database.connections import give_back
from core.database.text import storable
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI
from feishu.reasons import Reason
from feishu.transport import Transport

logger = logging.getLogger(__name__)

CONFIRM_AFTER: Final = timedelta(minutes=2)
"""Until the count that confirms a difference, or the one after a loss."""
SETTLED: Final = timedelta(minutes=1)
"""A connection younger than that may not be in the platform's count yet."""
LEFTOVER: Final = timedelta(minutes=5)
"""For so long what is left of a lost connection may still be counted."""
QUIET: Final = timedelta(hours=1)
"""Without an event for so long, the platform is asked three times as often."""
CLAIM: Final = timedelta(minutes=2)
"""Until somebody else may ask in place of a worker that died."""
MAX_BOTS: Final = 50
"""Asked about in one sweep."""
MAX_RENEWALS: Final = 2
"""After so many connections replaced in vain, it is the count that is wrong."""


class Difference(Enum):
    """What the platform counts, compared with what is open here."""

    NONE = auto()
    MORE = auto()
    FEWER = auto()


@dataclass(frozen=True, slots=True)
class OpenConnections:
    """Connections that are open here at one moment. ``moving``: of these, on the move to another process, which the
    platform counts twice. ``is_settled``: none of them has just been opened or is being opened or moved."""

    count: int
    moving: int
    is_settled: bool

    @property
    def most(self) -> int:
        """What the platform may count."""
        return self.count + self.moving


@dataclass(frozen=True, slots=True)
class Comparison:
    """``is_conclusive``: it may not come from connections that are being opened, moved or torn down at this moment.
    ``held``: how many are open here, as far as the platform could know."""

    difference: Difference
    is_conclusive: bool
    held: int


def open_connections(bot: Bot) -> OpenConnections:
    """What is open here now."""
    opened = bot.slots.open()
    moving = opened.filter(successor__isnull=False, successor_until__gte=DatabaseTime()).count()
    is_young = opened.filter(connected_at__gt=timezone.now() - SETTLED).exists()
    is_opening = bot.slots.filter(state=SlotState.CONNECTING, lease_until__gt=DatabaseTime()).exists()
    return OpenConnections(opened.count(), moving, is_settled=not (moving or is_young or is_opening))


def compare(bot: Bot, *, online: int, before: OpenConnections, after: OpenConnections) -> Comparison:
    """``online``: the platform's count, asked for between the moments ``before`` and ``after``."""
    is_settled = before.is_settled and after.is_settled
    if online > (most := max(before.most, after.most)):
        lost = ConnectionLoss.objects.since(timezone.now() - LEFTOVER).filter(bot=bot)
        return Comparison(Difference.MORE, is_settled and not lost.exists(), most)
    if online < (fewest := min(before.count, after.count)):
        return Comparison(Difference.FEWER, is_settled, fewest)
    return Comparison(Difference.NONE, is_settled, after.count)


def due_bots() -> list[UUID]:
    """Bots to ask about now, each claimed for the caller."""
    if not settings.PLATFORM_POLL_MINUTES:
        return []
    listening = Bot.objects.listening()
    now = timezone.now()
    PlatformCount.objects.bulk_create(
        [
            PlatformCount(bot=bot, next_check_at=now + CONFIRM_AFTER)
            for bot in listening.filter(platform_count=None)
        ],
        ignore_conflicts=True,
    )
    due = PlatformCount.objects.filter(next_check_at__lte=now, bot__in=listening).order_by("next_check_at")
    return [
        pk
        for pk, at in due.values_list("pk", "next_check_at")[:MAX_BOTS]
        if PlatformCount.objects.filter(pk=pk, next_check_at=at).update(next_check_at=now + CLAIM)
    ]


def check(bot_id: UUID, *, transport: Transport | None = None) -> None:
    """Ask the platform, compare, and have connections replaced that it does not know any more."""
    bot = Bot.objects.listening().select_related("platform_count").filter(pk=bot_id).first()
    if bot is None:
        return
    known = bot.platform_count
    before = open_connections(bot)
    give_back(before_waiting=True)
    try:
        online = OpenAPI(bot.credentials, transport).connection_count()
    except (FeishuError, SealedValueError) as error:
        _note(known, next_check_at=_later(bot), **_error_columns(error))
        return
    after = open_connections(bot)
    if online is None:
        _note(known, online=None, held=after.count, more_counts=0, fewer_counts=0, next_check_at=_later(bot))
        return
    comparison = compare(bot, online=online, before=before, after=after)
    _note(known, online=online, held=after.count, **_conclude(bot, known, comparison, online))


def check_soon(bot_ids: set[UUID]) -> None:
    """A connection was lost: have these bots checked as soon as it makes sense."""
    soon = timezone.now() + CONFIRM_AFTER
    PlatformCount.objects.filter(bot__in=bot_ids, next_check_at__gt=soon).update(next_check_at=soon)


def _conclude(bot: Bot, known: PlatformCount, found: Comparison, online: int) -> dict[str, object]:
    """The columns that say what the comparison means, and when to check again."""
    confirm_at = timezone.now() + CONFIRM_AFTER
    if not found.is_conclusive:
        return {"next_check_at": confirm_at}
    if found.difference is Difference.NONE:
        return {"more_counts": 0, "fewer_counts": 0, "renewals": 0, "next_check_at": _later(bot)}
    if found.difference is Difference.MORE:
        counts = known.more_counts + 1
        if counts == PROOF:
            extra = {"app_id": bot.app_id, "online": online, "held": found.held}
            logger.warning("foreign_connection", extra=extra)
        next_check_at = confirm_at if counts < PROOF else _later(bot)
        return {"more_counts": counts, "fewer_counts": 0, "next_check_at": next_check_at}
    counts = known.fewer_counts + 1
    if counts < PROOF:
        return {"more_counts": 0, "fewer_counts": counts, "next_check_at": confirm_at}
    if known.renewals >= MAX_RENEWALS:
        return {"more_counts": 0, "fewer_counts": counts, "next_check_at": _later(bot)}
    _replace(bot, known, missing=found.held - online)
    return {
        "more_counts": 0,
        "fewer_counts": 0,
        "renewals": F("renewals") + 1,
        "next_check_at": confirm_at,
    }


def _replace(bot: Bot, known: PlatformCount, *, missing: int) -> None:
    """Have as many connections replaced as the platform misses, the oldest first: which ones it misses it does not say.

    Not those on which an event came since the last check: they work.
    """
    silent = Q(last_message_at=None) | Q(last_message_at__lt=known.checked_at)
    candidates = bot.slots.open().filter(silent).order_by("connected_at", "number")
    chosen = list(candidates.values_list("pk", flat=True)[:missing])
    ConnectionSlot.objects.filter(pk__in=chosen, state=SlotState.CONNECTED).update(
        half_open_at=timezone.now()
    )
    logger.warning("connections_half_open", extra={"app_id": bot.app_id, "connections": len(chosen)})


def _error_columns(error: FeishuError | SealedValueError) -> dict[str, object]:
    if isinstance(error, SealedValueError):
        return {"error_code": None, "error_reason": Reason.SEALED, "error_message": ""}
    return {
        "error_code": error.code,
        "error_reason": error.reason or Reason.INTERNAL,
        "error_message": storable(words_of_platform(error), 500),
    }


def _note(known: PlatformCount, **values: object) -> None:
    no_error = {"error_code": None, "error_reason": "", "error_message": ""}
    PlatformCount.objects.filter(pk=known.pk).update(checked_at=timezone.now(), **(no_error | values))
    bots_changed([known.pk])


def _later(bot: Bot) -> datetime:
    """Within the usual interval; earlier for a bot that has received no event for long."""
    is_busy = bot.slots.filter(last_message_at__gt=timezone.now() - QUIET).exists()
    minutes = settings.PLATFORM_POLL_MINUTES / (1 if is_busy else 3)
    return timezone.now() + spread(timedelta(minutes=minutes), by=0.2)
