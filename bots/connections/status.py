"""How the long connections of bots are: decided here once, for console, REST API, doctor and incidents.

"Connected" means that heartbeats arrive, whatever the socket says, and a bot with one such connection is connected;
what is wrong with the others is a warning. The rule itself is ``bots.models.connections.CONNECTED``, so that lists can
be filtered by it.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.db import models
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.connections import advice
from bots.connections.losses import LossCounts
from bots.enums import PLANNED_LOSSES, LossReason, SlotState, Transport
from bots.models import Bot, BotQuerySet, ConnectionSlot, PlatformCount
from bots.models.bots import arriving_by
from bots.models.connections import CONNECTED, HELD
from core.installation.watch import watch
from feishu.codes import CodeInfo

PATIENCE: Final = timedelta(seconds=15)
"""How long a connection may go without a process that holds it before a person is needed."""

Among: TypeAlias = Sequence[Bot] | QuerySet[Any]


class ConnectionState(models.TextChoices):
    """A bot's connections taken together, as the REST API says it."""

    DISCONNECTED = "disconnected", _("Disconnected")
    CONNECTING = "connecting", _("Connecting")
    CONNECTED = "connected", _("Connected")
    ERROR = "error", _("Error")


class ConnectionHealth(models.TextChoices):
    """The same for operators, the worst first; also the health of one connection."""

    ERROR = "error", _("Not connected")
    """Not without a person."""
    RECONNECTING = "reconnecting", _("Reconnecting")
    """After an outage, by itself."""
    WARNING = "warning", _("Connected, with a warning")
    """Events arrive, and something is wrong all the same."""
    CONNECTING = "connecting", _("Connecting")
    CONNECTED = "connected", _("Connected")
    WEBHOOK = "webhook", _("Webhook")
    DISCONNECTED = "disconnected", _("Disconnected")
    """As an operator wants it."""

    @property
    def state(self) -> ConnectionState:
        """What the REST API calls it."""
        return _STATES[self]


_STATES: Final = {
    ConnectionHealth.ERROR: ConnectionState.ERROR,
    ConnectionHealth.RECONNECTING: ConnectionState.CONNECTING,
    ConnectionHealth.WARNING: ConnectionState.CONNECTED,
    ConnectionHealth.CONNECTING: ConnectionState.CONNECTING,
    ConnectionHealth.CONNECTED: ConnectionState.CONNECTED,
    ConnectionHealth.WEBHOOK: ConnectionState.DISCONNECTED,
    ConnectionHealth.DISCONNECTED: ConnectionState.DISCONNECTED,
}
# What a bot's health, and who holds its connections, is read from.
_DECIDING_OF_BOTS: Final = ("pk", "name", "app_id", "enabled", "connect", "uses_connection")
_DECIDING_OF_SLOTS: Final = (
    "bot_id", "state", "holder", "node", "is_held", "is_connected", "is_recent", "has_failed"
)  # fmt: skip
_TROUBLED: Final = frozenset({ConnectionHealth.ERROR, ConnectionHealth.RECONNECTING})


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """One connection that should be open. ``is_held``: a living process holds it."""

    row: ConnectionSlot
    health: ConnectionHealth
    is_held: bool
    losses: Counter[LossReason] = field(default_factory=Counter)
    """In the past 24 hours, where the caller has read them."""

    @property
    def place(self) -> str:
        """What pages call it."""
        return str(self.row.pk)

    @property
    def problem(self) -> CodeInfo | None:
        """Why the last attempt failed; None for a connection that was open since."""
        return None if self.row.state == SlotState.CONNECTED else self.row.problem

    @property
    def next_attempt_at(self) -> datetime | None:
        """When its process tries again, while it waits to."""
        is_waiting = self.is_held and self.row.state in {SlotState.BACKOFF, SlotState.ERROR}
        return self.row.next_attempt_at if is_waiting else None

    @property
    def down_since(self) -> datetime | None:
        """Since when the connection has not been good, over all attempts in between. A process that died leaves a row that reads
        as connected, but for its lease; a silent connection, but for its heartbeat."""
        silent_since = self.row.heartbeat_due_at if self.row.is_overdue else None
        abandoned_at = None if self.is_held else self.row.lease_until
        return self.row.down_since or silent_since or abandoned_at or self.row.state_changed_at

    @property
    def since(self) -> datetime | None:
        """Since when it has been as it is, over all attempts in between."""
        return self.down_since if self.health in _TROUBLED else self.row.since

    @property
    def reconnects(self) -> int:
        """The losses that were not intended."""
        return sum(count for reason, count in self.losses.items() if reason not in PLANNED_LOSSES)

    @property
    def is_silent(self) -> bool:
        """The socket is open, and no heartbeat has come for longer than is normal."""
        is_open = self.is_held and self.row.state == SlotState.CONNECTED
        return is_open and self.health is ConnectionHealth.RECONNECTING

    @property
    def state(self) -> SlotState:
        """What the row says, but for a connection that it wrongly calls connected."""
        if self.row.state != SlotState.CONNECTED or self.health is ConnectionHealth.CONNECTED:
            return SlotState(self.row.state)
        return SlotState.BACKOFF if self.is_silent else SlotState.STOPPED


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of one bot among thousands. ``holders``: the processes that hold its connections, id and name of each."""

    pk: UUID
    name: str
    app_id: str
    health: ConnectionHealth
    holders: tuple[tuple[UUID, str], ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong, what to do about it, and what the platform itself said."""

    info: CodeInfo
    said: str = ""

    @property
    def text(self) -> str:
        """One English sentence, for callers of the API."""
        if self.said.startswith("HTTP "):  # a status alone says too little
            return f"{self.info.cause.en_us} ({self.said})"
        return self.said or self.info.cause.en_us


@dataclass(frozen=True, slots=True)
class BotStatus:
    """One bot and its connections."""

    bot: Bot
    health: ConnectionHealth
    slots: tuple[SlotStatus, ...]
    platform_count: PlatformCount | None

    @property
    def outline(self) -> Outline:
        """What of it is known of one among thousands."""
        rows = [slot.row for slot in self.slots if slot.is_held]
        holders = tuple((row.holder, row.node) for row in rows if row.holder)
        return Outline(self.bot.pk, self.bot.name, self.bot.app_id, self.health, holders)

    @property
    def is_wanted(self) -> bool:
        """It is to hold connections."""
        return self.health not in {ConnectionHealth.WEBHOOK, ConnectionHealth.DISCONNECTED}

    @property
    def foreign(self) -> int:
        """Connections of the same app that another program holds."""
        return self.platform_count.foreign if self.platform_count and self.is_wanted else 0

    @property
    def connected_count(self) -> int:
        return sum(slot.health is ConnectionHealth.CONNECTED for slot in self.slots)

    @property
    def connected_at(self) -> datetime | None:
        """Since when its longest connection has been open."""
        opened = (slot.row.connected_at for slot in self.slots if slot.health is ConnectionHealth.CONNECTED)
        return min(filter(None, opened), default=None)

    @property
    def last_heartbeat_at(self) -> datetime | None:
        return max(filter(None, (slot.row.last_heartbeat_at for slot in self.slots)), default=None)

    @property
    def next_attempt_at(self) -> datetime | None:
        """When the first of the connections that are waiting is tried again."""
        return min(filter(None, (slot.next_attempt_at for slot in self.slots)), default=None)

    @property
    def troubled(self) -> SlotStatus | None:
        """The connection to look at: the first that is known to be in trouble, those with a known reason before others."""
        found = [slot for slot in self.slots if slot.health in _TROUBLED]
        return min(found, key=lambda slot: slot.problem is None, default=None)

    @property
    def since(self) -> datetime | None:
        """Since when it has been as it is. Of one in trouble: since its last good moment, however often it was tried since."""
        if self.health is ConnectionHealth.DISCONNECTED:
            return self.bot.asked_at
        if self.health is ConnectionHealth.WARNING:
            falls = (slot.down_since for slot in self.slots if slot.health in _TROUBLED)
            return min(filter(None, falls), default=None)
        if self.health in _TROUBLED:
            return max(filter(None, (slot.down_since for slot in self.slots)), default=None)
        changes = (slot.row.state_changed_at for slot in self.slots if slot.health is self.health)
        return max(filter(None, changes), default=None)

    def diagnosis(self, *, not_held: CodeInfo = advice.NOT_HELD) -> Diagnosis | None:
        """None for a bot that is as it should be. ``not_held``: the better words of somebody who knows the processes."""
        if watch.last.is_passive:
            not_held = advice.PASSIVE
        if self.platform_count and self.foreign and self.connected_count:
            count = self.platform_count
            return Diagnosis(advice.foreign(online=count.online or 0, held=count.held or 0))
        if self.health in _TROUBLED and not self.slots:
            return Diagnosis(not_held)
        slot = self.troubled
        if slot is None:
            return None
        if slot.problem is not None:
            return Diagnosis(slot.problem, slot.row.error_message)
        if not slot.is_held:
            return Diagnosis(not_held, slot.row.error_message)
        return Diagnosis(advice.SILENT if slot.is_silent else advice.RECONNECTING)


def connected_bots() -> BotQuerySet:
    """Bots that should have connections and have one."""
    return Bot.objects.listening().filter(_has_connection())


def unconnected_bots() -> BotQuerySet:
    """Bots that should have connections and have none."""
    return Bot.objects.listening().exclude(_has_connection())


def _has_connection() -> Exists:
    return Exists(ConnectionSlot.objects.connected().filter(bot=OuterRef("pk")))


def statuses(bots: Sequence[Bot], *, losses: LossCounts | None = None) -> list[BotStatus]:
    """How these bots are, in their order. Two queries, however many there are."""
    losses = losses or {}
    counts = {count.pk: count for count in PlatformCount.objects.filter(bot__in=bots)}
    by_bot: dict[object, list[SlotStatus]] = {bot.pk: [] for bot in bots}
    unwanted = {bot.pk: health for bot in bots if (health := _unwanted(bot))}
    for row in _slots(bots).order_by("number"):
        health = unwanted.get(row.bot_id) or _slot_health(row)
        lost = losses.get((row.bot_id, row.number), Counter())
        by_bot[row.bot_id].append(SlotStatus(row, health, bool(row.is_held), lost))
    found = []
    for bot in bots:
        slots, count = tuple(by_bot[bot.pk]), counts.get(bot.pk)
        health = unwanted.get(bot.pk) or _taken_together(
            {slot.health for slot in slots}, has_foreign=bool(count and count.foreign)
        )
        found.append(BotStatus(bot, health, slots, count))
    return found


def outlines(bots: BotQuerySet, most: int) -> list[Outline]:
    """How the first ``most`` bots are, for whoever counts thousands: three queries, for the columns alone that decide it."""
    keys = bots.values("pk")[:most]
    # Under the name that a bot has for it, for both are judged by one function.
    is_by_connection = ExpressionWrapper(arriving_by(Transport.WEBSOCKET), BooleanField())
    rows = bots.annotate(uses_connection=is_by_connection)  # type: ignore[no-redef]
    # Before their connections: a bot that comes in between would seem to have none.
    outlined = list(rows.values_list(*_DECIDING_OF_BOTS, named=True)[:most])
    counts = PlatformCount.objects.foreign().filter(bot__in=keys)
    warned = {count.pk for count in counts if count.foreign}
    by_bot: defaultdict[UUID, list[Any]] = defaultdict(list)
    for slot in _slots(keys).values_list(*_DECIDING_OF_SLOTS, named=True).order_by("number"):
        by_bot[slot.bot_id].append(slot)
    return [_outline(bot, by_bot[bot.pk], has_foreign=bot.pk in warned) for bot in outlined]


def _outline(bot: Any, slots: list[Any], *, has_foreign: bool) -> Outline:
    health = _unwanted(bot) or _taken_together(
        {_slot_health(slot) for slot in slots}, has_foreign=has_foreign
    )
    holders = tuple((slot.holder, slot.node) for slot in slots if slot.is_held and slot.holder)
    return Outline(bot.pk, bot.name, bot.app_id, health, holders)


def _slots(bots: Among) -> QuerySet[Any]:
    """Their slots, with what `_slot_health` goes by. The database compares the moments: reading one takes Python longer than all
    the rest of a row."""
    since = timezone.now() - PATIENCE
    is_new = Q(bot__asked_at__gt=since) | Q(bot__asked_at=None, bot__created_at__gt=since)
    is_stopped = Q(state=SlotState.STOPPED)
    facts = {
        "is_held": HELD,
        "is_connected": CONNECTED,
        "is_recent": (is_stopped & (is_new | Q(state_changed_at__gt=since)))
        | (~is_stopped & (Q(lease_until__gt=since) | (Q(lease_until=None) & is_new))),
        "has_failed": Q(error_at__isnull=False),
    }
    annotations = {name: ExpressionWrapper(fact, BooleanField()) for name, fact in facts.items()}
    return ConnectionSlot.objects.filter(bot__in=bots).annotate(**annotations)


def _unwanted(bot: Any) -> ConnectionHealth | None:
    """The health of a bot that is to hold no connections; None for one that is. ``bot``: a row, or what `outlines` reads of it."""
    if bot.enabled and not bot.uses_connection:
        return ConnectionHealth.WEBHOOK
    return None if bot.enabled and bot.connect else ConnectionHealth.DISCONNECTED


def _slot_health(row: Any) -> ConnectionHealth:
    """``row`` is annotated with ``is_held``, ``is_connected``, ``has_failed``, and ``is_recent``: a person is not needed yet."""
    if row.is_connected:
        return ConnectionHealth.CONNECTED
    if row.state == SlotState.ERROR:
        return ConnectionHealth.ERROR
    if row.is_held:
        # Any but the first attempt is part of an outage.
        is_first = row.state in {SlotState.STOPPED, SlotState.CONNECTING} and not row.has_failed
        return ConnectionHealth.CONNECTING if is_first else ConnectionHealth.RECONNECTING
    if not row.is_recent:
        return ConnectionHealth.ERROR
    is_stopped = row.state == SlotState.STOPPED
    return ConnectionHealth.CONNECTING if is_stopped else ConnectionHealth.RECONNECTING


def _taken_together(healths: set[ConnectionHealth], *, has_foreign: bool) -> ConnectionHealth:
    if ConnectionHealth.CONNECTED not in healths:
        return min(healths, key=list(ConnectionHealth).index, default=ConnectionHealth.ERROR)
    has_warning = has_foreign or bool(healths & _TROUBLED)
    return ConnectionHealth.WARNING if has_warning else ConnectionHealth.CONNECTED
