"""Which bots are next: those with work, the one scheduled longest ago first, each within the rate its operator set."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from core.background.pace import Pace
from core.database.sql import ask, marks, run, uuid_of
from events.handling.claims import ClaimedRun, choose_due, claim
from events.handling.concurrency import ConcurrencyLimit, Place
from events.handling.dispatch import dispatch_events, dispatch_one_by_one
from events.handling.poller import PollResult
from events.handling.switches import switches_by_bot
from events.models import BotQueue

logger = logging.getLogger(__name__)

MAX_BOTS = 64  # looked at in one round
MAX_EVENTS = 200  # dispatched in one transaction


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What scheduling some bots came to. ``switches``: what operators said about the handlers of each; ``is_more``:
    another round may find more to do at once."""

    dispatched: int = 0
    runs: Sequence[ClaimedRun] = ()
    switches: Mapping[UUID, Mapping[str, bool]] = field(default_factory=dict)
    result: PollResult = PollResult.NOTHING
    is_more: bool = False

    @property
    def has_found(self) -> bool:
        return bool(self.dispatched or self.runs)


def waiting_bots() -> list[UUID]:
    """Bots that have something to be done for them now, in the order in which they are next."""
    now = timezone.now()
    rows = ask(
        "SELECT queue.bot_id FROM events_botqueue queue JOIN bots_bot bot ON bot.id = queue.bot_id"  # noqa: S608 -- a constant
        " WHERE bot.deleted_at IS NULL AND ("
        "EXISTS (SELECT 1 FROM events_event WHERE bot_id = queue.bot_id AND status = 'received')"
        " OR ((queue.next_start_at IS NULL OR queue.next_start_at <= %s)"
        " AND EXISTS (SELECT 1 FROM events_handlerrun WHERE bot_id = queue.bot_id"
        " AND status IN ('pending', 'retrying') AND run_at <= %s)))"
        f" ORDER BY queue.scheduled_at ASC NULLS FIRST LIMIT {MAX_BOTS}",
        [now, now],
    )
    return [uuid_of(bot_id) for (bot_id,) in rows]


def schedule(
    bot_ids: Sequence[UUID], *, most: int, limit: ConcurrencyLimit, pass_full: bool = True
) -> Scheduled:
    """Dispatch for these bots, in this order, and claim up to ``most`` runs of them: of each bot no more than its share,
    and what the limit allows. ``pass_full``: see ``choose_due``; a bot with new events is always looked through. Bots
    that another process is scheduling are left to it.

    A round that fails schedules the first bot alone. One that fails alone has its events dispatched one by one, which
    quarantines what is at fault, and goes to the end of the line, so that it keeps no other bot waiting. Raises
    InterfaceError or OperationalError where the database is away.
    """
    try:
        return _schedule(bot_ids, most=most, limit=limit, pass_full=pass_full)
    except (InterfaceError, OperationalError):
        raise
    except Exception:
        if len(bot_ids) > 1:
            first = schedule(bot_ids[:1], most=most, limit=limit, pass_full=pass_full)
            return replace(first, result=max(first.result, PollResult.HELD))
        logger.exception("scheduling_failed", extra={"bot": str(bot_ids[0])})
    BotQueue.objects.filter(pk=bot_ids[0]).update(scheduled_at=timezone.now())
    dispatch_one_by_one(bot_ids[0], most=MAX_EVENTS)
    return Scheduled(result=PollResult.FOUND)


def _schedule(bot_ids: Sequence[UUID], *, most: int, limit: ConcurrencyLimit, pass_full: bool) -> Scheduled:
    round_ = _Round(most, limit, pass_full=pass_full)
    try:
        with transaction.atomic():
            held = BotQueue.objects.select_for_update(skip_locked=True, of=("self",)).select_related("bot")
            queues = sorted(held.filter(pk__in=bot_ids), key=lambda queue: bot_ids.index(queue.pk))
            round_.take(queues)
            claimed = claim(round_.places)
            round_.note()
        if len(queues) < len(bot_ids):
            round_.note_result(PollResult.HELD)
        return Scheduled(
            dispatched=round_.dispatched,
            runs=[ClaimedRun(one, round_.places.pop(one.pk)) for one in claimed],
            switches=round_.switches,
            result=round_.result,
            is_more=round_.is_more,
        )
    finally:
        for place in round_.places.values():
            place.release()


class _Round:
    """A round of bots whose queues are held."""

    def __init__(self, most: int, limit: ConcurrencyLimit, *, pass_full: bool) -> None:
        self._most = most
        self._limit = limit
        self._pass_full = pass_full
        self._now = timezone.now()
        self._started: dict[BotQueue, int] = {}
        self.places: dict[int, Place] = {}
        self.switches: Mapping[UUID, Mapping[str, bool]] = {}
        self.dispatched = 0
        self.result = PollResult.NOTHING
        self.is_more = False

    def note_result(self, result: PollResult) -> None:
        self.result = max(self.result, result)

    def take(self, queues: Sequence[BotQueue]) -> None:
        """Dispatch for each bot, and take places for what is due of it."""
        self.switches = switches_by_bot([queue.pk for queue in queues])
        for number, queue in enumerate(queues):
            free = self._most - len(self.places)
            if self._most and not free:
                self.note_result(PollResult.FULL)
                return
            new = dispatch_events(queue.bot, self.switches[queue.pk], most=MAX_EVENTS - self.dispatched)
            self.dispatched += new.events
            self.is_more |= new.is_queued or self.dispatched == MAX_EVENTS
            share = min(free, max(1, free // (len(queues) - number)))
            found = self._choose(queue, share, pass_full=self._pass_full or new.events > 0)
            self.note_result(PollResult.FOUND if new.events else PollResult.NOTHING)
            self.note_result(found)
            if found >= PollResult.FULL and not self._started[queue] and not self._pass_full:
                return  # most likely the others wait for places of the same handler

    def _choose(self, queue: BotQueue, share: int, *, pass_full: bool) -> PollResult:
        """Take places for a bot, within its rate."""
        rate = queue.bot.handlers_per_second
        allowed = min(share, Pace(rate).allowed(queue.next_start_at, self._now)) if rate else share
        before = len(self.places)
        result = choose_due(queue.pk, self.places, most=allowed, limit=self._limit, pass_full=pass_full)
        self._started[queue] = len(self.places) - before
        self.is_more |= 0 < share == self._started[queue]
        return result

    def note(self) -> None:
        """When these bots were scheduled and, where there is a rate, when the next handler may start."""
        unpaced = []
        for queue, started in self._started.items():
            if rate := queue.bot.handlers_per_second:
                next_start_at = Pace(rate).after(queue.next_start_at, self._now, started)
                BotQueue.objects.filter(pk=queue.pk).update(
                    scheduled_at=self._now, next_start_at=next_start_at
                )
            else:
                unpaced.append(queue.pk)
        if unpaced:
            sql = f"UPDATE events_botqueue SET scheduled_at = %s, next_start_at = NULL WHERE bot_id IN ({marks(unpaced)})"  # noqa: S608 -- constants
            run(sql, [self._now, *unpaced])
