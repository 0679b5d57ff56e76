"""Which bots are next: those with work, the one scheduled longest ago first, each within the rate its operator set.

A round takes some bots together, in one transaction and a fixed number of statements, whatever waits for them: it claims
runs that are due, dispatches new events, and claims their runs as they are made, as far as there are threads for them.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from bots.models import Bot
from core.background.pace import Pace
from core.database.sql import any_of, ask, run, uuid_of
from core.database.sqlite import WRITE_TURNS, BatchSize
from events.handling.claims import Batch, Batches, choose_due, due_behind, due_runs
from events.handling.concurrency import MAX_AHEAD, ConcurrencyLimit, RunDurations
from events.handling.dispatch import Dispatched, Plans, dispatch_events, dispatch_one_by_one, plan_events
from events.handling.poller import PollResult
from events.handling.switches import switches_by_bot
from events.models import BotQueue, HandlerRun

logger = logging.getLogger(__name__)

MAX_BOTS = 64  # looked at in one round
MAX_EVENTS = 256  # dispatched in one transaction
MAX_RUNS = 256  # of one bot, read in one round
_EVENTS_ON_SQLITE = BatchSize(most=MAX_EVENTS)
BEHIND = timedelta(microseconds=1)
"""By so much those that got something in a round are behind those that did not."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What scheduling some bots came to. ``switches``: what operators said about the handlers of each; ``is_more``:
    another round may find more to do at once."""

    dispatched: int = 0
    batches: Sequence[Batch] = ()
    switches: Mapping[UUID, Mapping[str, bool]] = field(default_factory=dict)
    result: PollResult = PollResult.NOTHING
    is_more: bool = False

    @property
    def has_found(self) -> bool:
        return bool(self.dispatched or self.batches)


def waiting_bots() -> list[UUID]:
    """Bots that have something to be done for them now, in the order in which they are next.

    With MIN and not with EXISTS: where many rows wait, PostgreSQL would expect to meet one soon, and read the whole table
    for each bot that has none.
    """
    now = timezone.now()
    rows = ask(
        "SELECT queue.bot_id FROM events_botqueue queue JOIN bots_bot bot ON bot.id = queue.bot_id"  # noqa: S608 -- a constant
        " WHERE bot.deleted_at IS NULL AND ("
        "(SELECT MIN(id) FROM events_event WHERE bot_id = queue.bot_id AND status = 'received') IS NOT NULL"
        " OR ((queue.next_start_at IS NULL OR queue.next_start_at <= %s)"
        " AND (SELECT MIN(run_at) FROM events_handlerrun WHERE bot_id = queue.bot_id"
        " AND status IN ('pending', 'retrying')) <= %s))"
        f" ORDER BY queue.scheduled_at ASC NULLS FIRST LIMIT {MAX_BOTS}",
        [now, now],
    )
    return [uuid_of(bot_id) for (bot_id,) in rows]


def schedule(
    bot_ids: Sequence[UUID],
    *,
    most: int,
    limit: ConcurrencyLimit,
    durations: RunDurations,
    pass_full: bool = True,
    in_doubt: Callable[[Sequence[HandlerRun]], object] = lambda _runs: None,
) -> Scheduled:
    """Dispatch for these bots, in this order, and claim runs of them for up to ``most`` threads: of each bot no more than
    its share, and what the limit allows. ``pass_full``: look behind the runs of handlers that have their share, which may
    be many. Bots that another process is scheduling are left to it.

    A round that fails schedules the first bot alone. One that fails alone has its events dispatched one by one, which
    quarantines what is at fault, and goes to the end of the line, so that it keeps no other bot waiting. Raises
    InterfaceError or OperationalError where the database is away; ``in_doubt`` gets the runs that may be claimed then,
    because nobody knows whether the server has committed.
    """
    batches = Batches(limit, durations)
    try:
        with batches:
            return _schedule(bot_ids, most, batches, pass_full=pass_full)
    except (InterfaceError, OperationalError):
        in_doubt([run for batch in batches.filled() for run in batch.runs if run.pk])
        raise
    except Exception:
        if len(bot_ids) > 1:
            first = schedule(
                bot_ids[:1],
                most=most,
                limit=limit,
                durations=durations,
                pass_full=pass_full,
                in_doubt=in_doubt,
            )
            return replace(first, result=max(first.result, PollResult.HELD))
        logger.exception("scheduling_failed", extra={"bot": str(bot_ids[0])})
    BotQueue.objects.filter(pk=bot_ids[0]).update(scheduled_at=timezone.now())
    dispatch_one_by_one(bot_ids[0], most=MAX_EVENTS)
    return Scheduled(result=PollResult.FOUND)


def _schedule(bot_ids: Sequence[UUID], most: int, batches: Batches, *, pass_full: bool) -> Scheduled:
    ahead = None if connection.features.has_select_for_update else _plan_ahead(bot_ids)
    with WRITE_TURNS.behind(), transaction.atomic():
        began = time.monotonic()
        held = BotQueue.objects.select_for_update(skip_locked=True, of=("self",)).select_related("bot")
        queues = sorted(held.filter(pk__in=bot_ids), key=lambda queue: bot_ids.index(queue.pk))
        round_ = _Round(queues, most, batches)
        round_.choose(pass_full=pass_full)
        batches.claim({queue.pk: queue.bot for queue in queues})
        if ahead is None:
            planned = plan_events([queue.bot for queue in queues], round_.switches, most=MAX_EVENTS)
        else:
            planned = ahead.still_waiting()
        new = dispatch_events(
            planned, batches=batches, most_places=most - batches.places, allowed=round_.allowed
        )
        round_.note(new)
    _EVENTS_ON_SQLITE.note(new.events, seconds=time.monotonic() - began)
    result = round_.result
    if new.events:
        result = max(result, PollResult.FULL if new.is_full else PollResult.FOUND)
    if len(queues) < len(bot_ids):
        result = max(result, PollResult.HELD)
    return Scheduled(
        dispatched=new.events,
        batches=batches.filled(),
        switches=round_.switches,
        result=result,
        is_more=round_.is_more or new.is_more or (new.is_full and batches.places < most),
    )


def _plan_ahead(bot_ids: Sequence[UUID]) -> Plans:
    """For SQLite, where a transaction that writes keeps everybody from writing: what needs no lock is done before it."""
    bots = Bot.objects.filter(pk__in=bot_ids)
    return plan_events(list(bots), switches_by_bot(bot_ids), most=_EVENTS_ON_SQLITE.rows)


class _Round:
    """A round of bots whose queues are held."""

    def __init__(self, queues: Sequence[BotQueue], most: int, batches: Batches) -> None:
        self._queues = queues
        self._most = most
        self._batches = batches
        self._now = timezone.now()
        self._started: Counter[UUID] = Counter()
        self._unserved: set[UUID] = set()
        self.switches = switches_by_bot([queue.pk for queue in queues])
        self.allowed = {queue.pk: self._rate_allows(queue) for queue in queues}
        """How many runs of each bot may still be started in this round."""
        self.result = PollResult.NOTHING
        self.is_more = False

    def _rate_allows(self, queue: BotQueue) -> int:
        rate = queue.bot.handlers_per_second
        return Pace(rate).allowed(queue.next_start_at, self._now) if rate else MAX_RUNS

    def choose(self, *, pass_full: bool) -> None:
        """Give runs that are due their places, of each bot no more than its share."""
        if not self._most or not self._queues:
            return
        most_read = min(MAX_RUNS, max(1, self._most // len(self._queues)) * MAX_AHEAD)
        due = due_runs({bot_id: min(allowed, most_read) for bot_id, allowed in self.allowed.items()})
        for number, queue in enumerate(self._queues):
            rows = due[queue.pk]
            free = self._most - self._batches.places
            if not rows:
                continue
            if not free:
                self._unserved.add(queue.pk)
                self.result = max(self.result, PollResult.FULL)
                continue
            share = max(1, free // (len(self._queues) - number))
            chosen, full = self._take(queue, rows, share)
            if len(rows) >= most_read and chosen:
                self.is_more = True
            while (
                full and pass_full and self.allowed[queue.pk] and rows and self._batches.places < self._most
            ):
                self.result = max(self.result, PollResult.FULL)
                last = rows[-1]
                rows = due_behind(
                    queue.pk,
                    besides=sorted(full),
                    after=(last[3], last[0]),
                    most=min(most_read, self.allowed[queue.pk]),
                )
                chosen, also_full = self._take(queue, rows, share)
                full |= also_full
                if chosen:
                    self.result = PollResult.PASSED
            if full:
                self.result = max(self.result, PollResult.FULL)

    def _take(
        self, queue: BotQueue, rows: Sequence[tuple[int, UUID, str, object]], share: int
    ) -> tuple[int, set[str]]:
        chosen, full = choose_due(
            queue.pk, rows, self._batches, most_runs=self.allowed[queue.pk], most_places=share
        )
        if chosen:
            self.result = max(self.result, PollResult.FOUND)
        self.allowed[queue.pk] -= chosen
        self._started[queue.pk] += chosen
        return chosen, full

    def note(self, new: Dispatched) -> None:
        """When these bots were scheduled and, where there is a rate, when the next handler may start.

        A bot for which no place was left is still the next one. One of which nothing could start for another reason goes
        behind the bots that wait, and before those of this round that got something.
        """
        later = self._now + BEHIND
        unpaced: dict[datetime, list[UUID]] = {self._now: [], later: []}
        for queue in self._queues:
            started = self._started[queue.pk] + new.started[queue.pk]
            if not started and queue.pk in self._unserved | new.unserved:
                continue
            scheduled_at = later if started else self._now
            if rate := queue.bot.handlers_per_second:
                next_start_at = Pace(rate).after(queue.next_start_at, self._now, started)
                BotQueue.objects.filter(pk=queue.pk).update(
                    scheduled_at=scheduled_at, next_start_at=next_start_at
                )
            else:
                unpaced[scheduled_at].append(queue.pk)
        for scheduled_at, pks in unpaced.items():
            if pks:
                condition, values = any_of(pks)
                sql = f"UPDATE events_botqueue SET scheduled_at = %s, next_start_at = NULL WHERE bot_id {condition}"  # noqa: S608 -- constants
                run(sql, [scheduled_at, *values])
