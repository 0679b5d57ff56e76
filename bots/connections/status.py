"""How bots are hearing, for people: one verdict a bot, and what is behind it.

"Connected" means that frames arrive: a connection that has been quiet for longer than is normal counts as trouble,
whatever its socket says.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import models
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.connections.losses import unplanned
from bots.enums import LossReason, SlotState, Transport
from bots.models import Bot, ConnectionLoss, ConnectionSlot, PlatformCount
from feishu.codes import CodeInfo

DAY: Final = timedelta(hours=24)
PATIENCE: Final = timedelta(seconds=15)
"""How long a connection that nobody holds may wait before that is trouble."""
CLOCKS: Final = timedelta(seconds=5)
"""By how much this clock and the database's may differ."""


class Verdict(models.TextChoices):
    """Whether a bot hears, all its connections taken together."""

    TROUBLE = "trouble", _("In trouble")
    CONNECTING = "connecting", _("Connecting")
    CONNECTED = "connected", _("Connected")
    WEBHOOK = "webhook", _("Webhook")
    UNWANTED = "unwanted", _("Not wanted")


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """One connection that should stand, and how it is."""

    row: ConnectionSlot
    verdict: Verdict
    is_held: bool
    is_quiet: bool
    """It counts as connected and has heard nothing for longer than is normal."""
    losses: Counter[LossReason] = field(default_factory=Counter)
    """In the past 24 hours."""

    @property
    def place(self) -> str:
        """What pages call it."""
        return str(self.row.pk)

    @property
    def reconnects(self) -> int:
        """Losses of the past 24 hours that nobody wanted."""
        return unplanned(self.losses)


@dataclass(frozen=True, slots=True)
class BotStatus:
    """One bot; ``slots`` is empty when it is to hold no connections."""

    bot: Bot
    verdict: Verdict
    slots: tuple[SlotStatus, ...]
    foreign: int = 0
    """Connections of the same app that somebody else holds."""

    @property
    def connected(self) -> int:
        """How many connections hear."""
        return sum(slot.verdict is Verdict.CONNECTED for slot in self.slots)

    @property
    def is_hearing(self) -> bool:
        """At least one connection hears."""
        return bool(self.connected)

    @property
    def problem(self) -> CodeInfo | None:
        """What is wrong with the first connection that is in trouble, if it is known."""
        known = (slot.row.problem for slot in self.slots if slot.verdict is Verdict.TROUBLE)
        return next(filter(None, known), None)

    @property
    def since(self) -> datetime | None:
        """Since when it has been as it is: the latest change among those that decide the verdict."""
        if self.verdict is Verdict.UNWANTED:
            return self.bot.asked_at
        deciding = [slot.row.state_changed_at for slot in self.slots if slot.verdict is self.verdict]
        return max(filter(None, deciding), default=None)


def statuses(bots: Sequence[Bot]) -> list[BotStatus]:
    """How these bots are, in their order. Three queries, however many there are."""
    now = timezone.now()
    losses = _losses(bots, now)
    foreign = {row.pk: row.foreign for row in PlatformCount.objects.filter(bot__in=bots)}
    slots: dict[UUID, list[SlotStatus]] = {bot.pk: [] for bot in bots}
    known_since = {bot.pk: bot.asked_at or bot.created_at for bot in bots}
    for row in ConnectionSlot.objects.filter(bot__in=bots).order_by("number"):
        status = _slot(row, now, known_since[row.bot_id], losses.get((row.bot_id, row.number), Counter()))
        slots[row.bot_id].append(status)
    return [_bot(bot, tuple(slots[bot.pk]), foreign.get(bot.pk, 0)) for bot in bots]


def _losses(bots: Sequence[Bot], now: datetime) -> dict[tuple[UUID, int], Counter[LossReason]]:
    found: dict[tuple[UUID, int], Counter[LossReason]] = {}
    day = ConnectionLoss.objects.since(now - DAY).filter(bot__in=bots).order_by()
    for bot_id, number, reason, count in day.values_list("bot", "number", "reason").annotate(Count("pk")):
        found.setdefault((bot_id, number), Counter())[LossReason(reason)] = count
    return found


def _slot(
    row: ConnectionSlot, now: datetime, known_since: datetime, losses: Counter[LossReason]
) -> SlotStatus:
    is_held = row.holder is not None and row.lease_until is not None and row.lease_until > now - CLOCKS
    is_quiet = row.is_late(now)
    match row.state:
        case SlotState.CONNECTED:
            verdict = Verdict.CONNECTED if is_held and not is_quiet else Verdict.TROUBLE
        case SlotState.CONNECTING:
            # Any but the first attempt is part of an outage.
            verdict = Verdict.TROUBLE if row.error_at is not None else Verdict.CONNECTING
        case SlotState.STOPPED:
            waiting = now - max(filter(None, (row.state_changed_at, known_since)))
            verdict = Verdict.CONNECTING if waiting < PATIENCE else Verdict.TROUBLE
        case _backoff_or_error:
            verdict = Verdict.TROUBLE
    return SlotStatus(row, verdict, is_held, is_quiet, losses)


def _bot(bot: Bot, slots: tuple[SlotStatus, ...], foreign: int) -> BotStatus:
    if bot.enabled and bot.transport == Transport.WEBHOOK:
        return BotStatus(bot, Verdict.WEBHOOK, ())
    if not (bot.enabled and bot.connect):
        return BotStatus(bot, Verdict.UNWANTED, ())
    worst = min((slot.verdict for slot in slots), key=list(Verdict).index, default=Verdict.TROUBLE)
    return BotStatus(bot, Verdict.TROUBLE if foreign else worst, slots, foreign)
