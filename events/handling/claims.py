"""Claiming handler runs: many in a few statements. ``claim_id`` and the lease are what fences them afterwards."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Self

from django.db import connection
from django.utils import timezone

from bots.models import Bot
from core.database.compiled import Compiled
from core.database.sql import any_of, ask, marks, unnest
from events.enums import RunStatus
from events.handling.concurrency import ConcurrencyLimit, HandlerKey, Place, RunDurations
from events.handling.registry import handler_named
from events.handling.unknown import put_off as put_off_unknown
from events.models import HandlerRun

DueRun = tuple[int, uuid.UUID, str, object]
"""Primary key, bot, handler and ``run_at`` of a run that is due."""


@dataclass(slots=True, eq=False)
class Batch:
    """Claimed runs of one handler for one bot, for one thread to run one after the other.

    It holds the thread's place under the concurrency limit; whoever drops the batch releases the place.
    """

    place: Place
    room: int
    """How many more runs it takes while there may be another place for them."""
    room_of_many: int
    """How many more it takes where there is none."""
    runs: list[HandlerRun] = field(default_factory=list)
    is_suspect: bool = False
    """The last worker of its run was lost."""

    @property
    def key(self) -> HandlerKey:
        return self.place.key


class Batches:
    """Places that are taken for runs about to be claimed. A context manager: places without a run are released, and all of
    them when the transaction that claims fails."""

    def __init__(self, limit: ConcurrencyLimit, durations: RunDurations) -> None:
        self._limit = limit
        self._durations = durations
        self._open: dict[HandlerKey, list[Batch]] = {}
        self._all: list[Batch] = []
        self._chosen: dict[int, Batch] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exception_type: type[BaseException] | None, *_exception: object) -> None:
        for batch in self._all:
            if exception_type is not None or not batch.runs:
                batch.place.release()

    @property
    def places(self) -> int:
        """How many places are taken."""
        return len(self._all)

    @property
    def chosen(self) -> Collection[int]:
        """Primary keys of runs that have a place and are not claimed yet."""
        return self._chosen.keys()

    def take(self, key: HandlerKey, *, may_open: bool) -> Batch | None:
        """A batch with room for one more run, which counts as in it from now on; None where the handler has its share.
        ``may_open``: whether another place may be taken for it.

        The last place is filled first, as far as runs should wait for each other; then another one is taken; where there is
        none, all of them get more.
        """
        batches = self._open.setdefault(key, [])
        if batches and batches[-1].room > 0:
            batch = batches[-1]
        elif may_open and (place := self._limit.take(key)) is not None:
            ahead, of_many = self._durations.ahead(key), self._durations.ahead(key, of_many=True)
            batch = Batch(place, ahead, of_many)
            batches.append(batch)
            self._all.append(batch)
        elif not batches or (batch := max(batches, key=attrgetter("room_of_many"))).room_of_many <= 0:
            return None
        batch.room -= 1
        batch.room_of_many -= 1
        return batch

    def choose(self, pk: int, batch: Batch) -> None:
        """The run has its place and is to be claimed."""
        self._chosen[pk] = batch

    def claim(self, bots: Mapping[uuid.UUID, Bot]) -> None:
        """Claim what was chosen, as far as it is still due, with events. ``bots``: theirs, which are not read once more for
        each run."""
        if not self._chosen:
            return
        claim_id = uuid.uuid4()
        HandlerRun.objects.due().filter(pk__in=self._chosen).take(claim_id)
        for run in HandlerRun.objects.claimed_with(claim_id, self._chosen).select_related("event"):
            run.event.bot = bots[run.bot_id]
            self._chosen[run.pk].runs.append(run)
        self._chosen.clear()

    def claim_new(self) -> None:
        """Mark runs that are about to be inserted as claimed: their first attempt begins with them."""
        claim_id, now = uuid.uuid4(), timezone.now()
        for batch in self._all:
            for run in batch.runs:
                if run.status == RunStatus.PENDING:
                    run.status, run.claim_id, run.started_at, run.attempts = (
                        RunStatus.RUNNING,
                        claim_id,
                        now,
                        1,
                    )

    def filled(self) -> list[Batch]:
        """The batches that have runs."""
        return [batch for batch in self._all if batch.runs]


def choose_due(
    bot_id: uuid.UUID, due: Sequence[DueRun], batches: Batches, *, most_runs: int, most_places: int
) -> tuple[int, set[str]]:
    """Give runs of a bot that are due their place, up to so many runs and new places; how many, and the handlers that
    have their share. Runs of handlers that this worker does not know are put off."""
    unknown = {handler for _pk, _bot, handler, _run_at in due if handler_named(handler) is None}
    if unknown:
        put_off_unknown(bot_id, unknown)
    full: set[str] = set()
    chosen, before = 0, batches.places
    for pk, _bot, handler, _run_at in due:
        if chosen >= most_runs:
            break
        if handler in unknown:
            continue
        batch = batches.take((bot_id, handler), may_open=batches.places - before < most_places)
        if batch is None:
            full.add(handler)
        else:
            batches.choose(pk, batch)
            chosen += 1
    return chosen, full


def due_runs(limits: Mapping[uuid.UUID, int]) -> dict[uuid.UUID, list[DueRun]]:
    """What is due of each bot, the oldest first, up to its limit; one statement on PostgreSQL."""
    found: dict[uuid.UUID, list[DueRun]] = {bot_id: [] for bot_id in limits}
    if connection.vendor != "postgresql":
        for bot_id, most in limits.items():
            found[bot_id] = due_behind(bot_id, besides=(), after=None, most=most)
        return found
    rows = ask(
        "SELECT due.id, due.bot_id, due.handler, due.run_at FROM "  # noqa: S608 -- constants
        + unnest({"bot_id": "uuid", "most": "int4"}, "wanted")
        + " CROSS JOIN LATERAL (SELECT id, bot_id, handler, run_at FROM events_handlerrun"
        " WHERE bot_id = wanted.bot_id AND status IN ('pending', 'retrying') AND run_at <= %s"
        " ORDER BY bot_id, run_at, id LIMIT wanted.most) AS due",
        [list(limits), list(limits.values()), timezone.now()],
    )
    for row in rows:
        found[row[1]].append(row)
    return found


def due_behind(
    bot_id: uuid.UUID, *, besides: Sequence[str], after: tuple[object, int] | None, most: int
) -> list[DueRun]:
    """What is due of a bot behind ``after``, without handlers that have their share."""
    sql = (
        "SELECT id, handler, run_at FROM events_handlerrun WHERE bot_id = %s"
        " AND status IN ('pending', 'retrying') AND run_at <= %s"
    )
    values: list[object] = [bot_id, timezone.now()]
    if besides:
        sql += f" AND handler NOT IN ({marks(besides)})"
        values += besides
    if after:
        sql += " AND (run_at, id) > (%s, %s)"
        values += after
    rows = ask(f"{sql} ORDER BY bot_id, run_at, id LIMIT {most}", values)
    return [(pk, bot_id, handler, run_at) for pk, handler, run_at in rows]


_ABANDONED = Compiled(
    lambda: HandlerRun.objects.abandoned().order_by("lease_until").values_list("pk")[:1],
)


def claim_abandoned(limit: ConcurrencyLimit) -> Batch | None:
    """Claim one run whose worker is gone. One at a time: it may be what took the worker down."""
    for (pk,) in _ABANDONED.rows():
        if HandlerRun.objects.abandoned().filter(pk=pk).take(uuid.uuid4()):
            run = HandlerRun.objects.select_related("event__bot").get(pk=pk)
            place = limit.take_beyond((run.bot_id, run.handler))
            return Batch(place, room=0, room_of_many=0, runs=[run], is_suspect=True)
    return None


def release(runs: Collection[HandlerRun]) -> None:
    """Put back claimed runs that were not started; no attempt is counted."""
    if not runs:
        return
    condition, values = any_of([run.pk for run in runs])
    claims, claim_values = any_of(list({run.claim_id for run in runs}))
    ask(
        "UPDATE events_handlerrun SET status = 'pending', claim_id = NULL, lease_until = NULL,"  # noqa: S608 -- constants
        f" attempts = attempts - 1 WHERE id {condition} AND claim_id {claims} AND status = 'running' RETURNING id",
        [*values, *claim_values],
    )
