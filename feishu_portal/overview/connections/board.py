"""The board: bots as rows, processes as columns, connections where the two meet.

Everything is read with a fixed number of queries. Each row has a digest of what it shows, but for the times that grow
by themselves: these are sent apart.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery

from bots.admin.bot_form import SECRETS
from bots.connections import advice
from bots.connections.losses import losses_of_a_day
from bots.connections.status import (
    BotStatus,
    ConnectionHealth,
    Diagnosis,
    Outline,
    SlotStatus,
    outlines,
    statuses,
)
from bots.live_updates import BOTS, SLOTS
from bots.models import Bot, BotQuerySet
from core.access.models import User
from core.console.live import ANYTHING, Changes
from core.console.live.digests import digest_of
from core.console.paging import MAX_COUNT
from core.database.counts import BoundedCount
from events.models import Event
from feishu.codes import CodeInfo
from feishu_portal.overview.connections.processes import Process, processes, why_not_held

MOST: Final = 50
"""Bots that the board draws, those in trouble first. It counts the others; its filter, its search and the list of bots reach
them."""
_ORDER: Final = list(ConnectionHealth)


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One bot on the board. ``cells``: its connections by process, in the order of the columns."""

    status: BotStatus
    cells: tuple[tuple[Process, tuple[SlotStatus, ...]], ...]
    unheld: tuple[SlotStatus, ...]
    diagnosis: Diagnosis | None
    last_event_at: datetime | None
    digest: str

    @property
    def id(self) -> str:
        return str(self.status.bot.pk)

    @property
    def times(self) -> dict[str, float]:
        """When something last came, by what the page calls the place that shows it; seconds since 1970."""
        found = {f"frame-{slot.row.pk}": slot.row.last_frame_at for slot in self.status.slots}
        found[f"event-{self.id}"] = self.last_event_at
        return {place: round(moment.timestamp(), 1) for place, moment in found.items() if moment}


@dataclass(frozen=True, slots=True)
class Board:
    """The whole, or as much of it as was asked for. ``others``: bots that are counted and not drawn, by their health."""

    rows: list[BoardRow]
    processes: list[Process]
    others: Counter[ConnectionHealth] = field(default_factory=Counter)
    left_out: int = 0
    """Bots that fit the filter and the search and are not drawn."""
    is_more: bool = False
    """There are still more bots than were counted."""

    @property
    def is_cut(self) -> bool:
        return bool(self.others)

    @property
    def columns(self) -> str:
        """A digest of which columns there are."""
        return digest_of([process.id for process in self.processes])

    @property
    def heads(self) -> str:
        """A digest of what stands at their heads."""
        return digest_of([process.facts for process in self.processes])

    @property
    def counts(self) -> dict[ConnectionHealth, BoundedCount]:
        """Bots by the health of their connections, drawn or not."""
        counts = Counter(row.status.health for row in self.rows) + self.others
        return {health: BoundedCount(counts[health], self.is_more) for health in ConnectionHealth}

    @property
    def rest(self) -> BoundedCount:
        """What is left out, as a page says it."""
        return BoundedCount(self.left_out, self.is_more)

    @property
    def total(self) -> BoundedCount:
        """How many bots there are."""
        return BoundedCount(len(self.rows) + self.others.total(), self.is_more)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which bots a page is about: those of one health, or of all; and with a text in their name or App ID."""

    show: str = ""
    query: str = ""

    def has(self, bot: Outline) -> bool:
        is_shown = not self.show or self.show not in ConnectionHealth or bot.health == self.show
        return is_shown and self.query.casefold() in f"{bot.name} {bot.app_id}".casefold()


ALL: Final = Selection()


def read_board(user: User, selection: Selection = ALL) -> Board:
    """All of the operator's bots: those in trouble first, then by name. Of more than are drawn, those that are selected."""
    bots = Bot.objects.visible_to(user).order_by("name", "pk")
    if not bots[MOST:].exists():
        rows, running = _rows(user, list(_bots(user)))
        return Board(_sorted(rows), running)
    known = outlines(bots, MAX_COUNT + 1)
    is_more = len(known) > MAX_COUNT
    known = known[:MAX_COUNT]
    selected = sorted(filter(selection.has, known), key=_place)
    drawn = [bot.pk for bot in selected[:MOST]]
    rows, running = _rows(user, list(_bots(user).filter(pk__in=drawn)), known)
    all_of = Counter(bot.health for bot in known)
    return Board(
        _sorted(rows),
        running,
        others=all_of - Counter(row.status.health for row in rows),
        left_out=len(selected) - len(drawn),
        is_more=is_more,
    )


def _place(bot: Outline) -> tuple[int, str, UUID]:
    """Where a bot stands among others."""
    return _ORDER.index(bot.health), bot.name, bot.pk


def _sorted(rows: list[BoardRow]) -> list[BoardRow]:
    return sorted(rows, key=lambda row: _place(row.status.outline))


def read_rows(user: User, changes: Changes) -> tuple[Board, frozenset[str]] | None:
    """What of the board may have changed, and the ids of bots that were asked for; None when that may be anything.

    Bots that the operator may not see, or not any more, are not among the rows.
    """
    bot_keys, slot_keys = changes.of(BOTS), changes.of(SLOTS)
    # The processes of an operator who does not see all bots depend on all of theirs.
    if bot_keys is ANYTHING or slot_keys is ANYTHING or not user.sees_everything:
        return None
    bots = list(_bots(user).filter(Q(pk__in=bot_keys) | Q(slots__in=slot_keys)).distinct())
    return Board(*_rows(user, bots)), bot_keys


def _bots(user: User) -> BotQuerySet:
    newest = Event.objects.filter(bot=OuterRef("pk")).order_by("-pk").values("received_at")[:1]
    return (
        Bot.objects.visible_to(user)
        .defer(*SECRETS)
        .annotate(last_event_at=Subquery(newest))
        .order_by("name", "pk")
    )


def _rows(user: User, bots: list[Bot], known: Sequence[Outline] = ()) -> tuple[list[BoardRow], list[Process]]:
    """``known``: more bots than these, whose processes are shown, too."""
    found = statuses(bots, losses=losses_of_a_day(bots))
    running = processes(user, known or [status.outline for status in found])
    # An operator who knows some of the processes cannot tell what the others do.
    not_held = why_not_held(running) if user.sees_everything else advice.NOT_HELD
    return [_row(status, running, not_held) for status in found], running


def _row(status: BotStatus, running: list[Process], not_held: CodeInfo) -> BoardRow:
    by_holder: dict[UUID | None, list[SlotStatus]] = {}
    columns = {process.id for process in running}
    for slot in status.slots if status.is_wanted else ():
        holder = slot.row.holder if slot.is_held and slot.row.holder in columns else None
        by_holder.setdefault(holder, []).append(slot)
    diagnosis = status.diagnosis(not_held=not_held)
    return BoardRow(
        status=status,
        cells=tuple((process, tuple(by_holder.get(process.id, ()))) for process in running),
        unheld=tuple(by_holder.get(None, ())),
        diagnosis=diagnosis,
        last_event_at=getattr(status.bot, "last_event_at", None),
        digest=digest_of(
            [
                _bot_facts(status),
                diagnosis,
                sorted(map(str, columns)),
                [_slot_facts(slot) for slot in status.slots],
            ]
        ),
    )


def _bot_facts(status: BotStatus) -> tuple[object, ...]:
    bot = status.bot
    return (
        bot.name, bot.app_id, bot.platform, bot.enabled, bot.connect, bot.transport, bot.callback_transport,
        status.health, status.since, status.foreign, bot.asked_by, bot.asked_at, getattr(bot, "last_event_at", None) is None,
    )  # fmt: skip


def _slot_facts(slot: SlotStatus) -> tuple[object, ...]:
    row = slot.row
    return (
        row.pk, row.number, row.state, slot.since, row.holder, row.node, row.error_code, row.error_reason,
        row.error_message, slot.next_attempt_at,
        row.last_frame_at is None, slot.health, slot.is_held, slot.is_silent, row.is_unsteady, slot.reconnects,
    )  # fmt: skip
