"""Whose turn it is: bots with work, the one served longest ago first, each within the rate its operator set."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from core.database.sql import ask, marks, run, uuid_of
from events.handling.claims import choose_due, claim
from events.handling.concurrency import HandlerRoom, Whose
from events.handling.dispatch import dispatch_events
from events.handling.switches import switches_by_bot
from events.models import BotQueue, HandlerRun

logger = logging.getLogger("events.queues")

AT_ONCE = 64  # bots looked at in one round
EVENTS = 200  # dispatched in one transaction


@dataclass(frozen=True, slots=True)
class Served:
    """What a turn of some bots came to."""

    dispatched: int
    """Events that were given their deliveries."""
    claimed: list[HandlerRun]
    switches: Mapping[UUID, Mapping[str, bool]]
    """What operators said about the handlers of these bots."""
    is_more: bool
    """Whether another turn may find more to do at once."""
    is_short: bool
    """Whether something that is due has to wait until there is room."""
    is_behind: bool
    """Whether something was found behind what has to wait."""
    is_held: bool
    """Whether one of the bots could not be served now: somebody else was serving it, or another one's turn failed."""


NOTHING = Served(0, [], {}, is_more=False, is_short=False, is_behind=False, is_held=False)


def waiting_queues() -> list[UUID]:
    """Bots that have something to be done for them now, in the order in which it is their turn."""
    now = timezone.now()
    rows = ask(
        "SELECT queue.bot_id FROM events_botqueue queue JOIN bots_bot bot ON bot.id = queue.bot_id"  # noqa: S608 -- a constant
        " WHERE bot.deleted_at IS NULL AND ("
        "EXISTS (SELECT 1 FROM events_event WHERE bot_id = queue.bot_id AND status = 'received')"
        " OR ((queue.next_start_at IS NULL OR queue.next_start_at <= %s)"
        " AND EXISTS (SELECT 1 FROM events_handlerrun WHERE bot_id = queue.bot_id"
        " AND status IN ('pending', 'retrying') AND run_at <= %s)))"
        f" ORDER BY queue.scheduled_at ASC NULLS FIRST LIMIT {AT_ONCE}",
        [now, now],
    )
    return [uuid_of(bot_id) for (bot_id,) in rows]


def serve(bot_ids: Sequence[UUID], *, limit: int, room: HandlerRoom, is_thorough: bool = True) -> Served:
    """Dispatch for these bots, in this order, and claim up to ``limit`` deliveries of them: of each bot no more than its
    share, and what the room admits. ``is_thorough``: see ``choose_due``; a bot with new events always is looked through.
    Those that somebody else is serving are left to them.

    A turn that fails serves the first bot alone, and one that fails alone goes to the end of the line, so that it keeps
    nobody else from being served. Raises django.db.Error where the database is away.
    """
    try:
        return _serve(bot_ids, limit=limit, room=room, is_thorough=is_thorough)
    except (InterfaceError, OperationalError):
        raise
    except Exception:
        if len(bot_ids) > 1:
            first = serve(bot_ids[:1], limit=limit, room=room, is_thorough=is_thorough)
            return replace(first, is_held=True)
        logger.exception("turn_failed", extra={"bot": str(bot_ids[0])})
        BotQueue.objects.filter(pk=bot_ids[0]).update(scheduled_at=timezone.now())
        return NOTHING


def _serve(bot_ids: Sequence[UUID], *, limit: int, room: HandlerRoom, is_thorough: bool) -> Served:
    chosen: dict[int, Whose] = {}
    try:
        with transaction.atomic():
            queues = _hold(bot_ids)
            turn = _Turn(queues, chosen, limit, room)
            turn.take(is_thorough=is_thorough)
            return turn.end(is_held=len(queues) < len(bot_ids))
    except BaseException:
        for whose in chosen.values():
            room.leave(whose)
        raise


class _Turn:
    """A turn of bots whose queues are held. What is ``chosen`` counts as inside the room."""

    def __init__(
        self, queues: Sequence[BotQueue], chosen: dict[int, Whose], limit: int, room: HandlerRoom
    ) -> None:
        self._queues = queues
        self._chosen = chosen
        self._limit = limit
        self._room = room
        self._now = timezone.now()
        self._switches = switches_by_bot([queue.pk for queue in queues])
        self._started: dict[BotQueue, int] = {}
        self._dispatched = 0
        self._is_more = self._is_short = self._is_behind = False

    def take(self, *, is_thorough: bool) -> None:
        for place, queue in enumerate(self._queues):
            free = self._limit - len(self._chosen)
            if self._limit and not free:
                self._is_short = True
                return
            share = min(free, max(1, free // (len(self._queues) - place)))
            is_new = self._dispatch(queue)
            is_refused = self._choose(queue, share, is_thorough=is_thorough or is_new)
            if is_refused and not self._started[queue] and not is_thorough:
                return  # most likely the others wait for the same room

    def _dispatch(self, queue: BotQueue) -> bool:
        events, is_queued = dispatch_events(
            queue.bot, self._switches[queue.pk], limit=EVENTS - self._dispatched
        )
        self._dispatched += events
        self._is_more |= is_queued or self._dispatched == EVENTS
        return bool(events)

    def _choose(self, queue: BotQueue, share: int, *, is_thorough: bool) -> bool:
        before = len(self._chosen)
        choice = choose_due(
            queue.pk,
            self._chosen,
            limit=_allowed(queue, self._now, share),
            room=self._room,
            is_thorough=is_thorough,
        )
        self._started[queue] = len(self._chosen) - before
        self._is_more |= 0 < share == self._started[queue]
        self._is_short |= choice.is_refused
        self._is_behind |= choice.is_behind
        return choice.is_refused

    def end(self, *, is_held: bool) -> Served:
        claimed = claim(self._chosen, self._room)
        _note_turns(self._started, self._now)
        return Served(
            dispatched=self._dispatched,
            claimed=claimed,
            switches=self._switches,
            is_more=self._is_more,
            is_short=self._is_short,
            is_behind=self._is_behind,
            is_held=is_held,
        )


def _hold(bot_ids: Sequence[UUID]) -> list[BotQueue]:
    queues = BotQueue.objects.select_for_update(skip_locked=True, of=("self",)).select_related("bot")
    return sorted(queues.filter(pk__in=bot_ids), key=lambda queue: bot_ids.index(queue.pk))


def _note_turns(started: Mapping[BotQueue, int], now: datetime) -> None:
    """When these bots were served and, where there is a rate, when the next handler may start."""
    rated = {queue: count for queue, count in started.items() if queue.bot.handlers_per_second}
    for queue, count in rated.items():
        BotQueue.objects.filter(pk=queue.pk).update(
            scheduled_at=now, next_start_at=_next_start(queue, now, count)
        )
    if others := [queue.pk for queue in started if queue not in rated]:
        sql = f"UPDATE events_botqueue SET scheduled_at = %s, next_start_at = NULL WHERE bot_id IN ({marks(others)})"  # noqa: S608 -- constants
        run(sql, [now, *others])


def _allowed(queue: BotQueue, now: datetime, limit: int) -> int:
    """How many deliveries may start now: what a second's worth of the bot's rate has not used up yet."""
    rate = queue.bot.handlers_per_second
    if not rate or queue.next_start_at is None:
        return min(limit, rate) if rate else limit
    if queue.next_start_at > now:
        return 0
    unused = (now - _since(queue.next_start_at, now)).total_seconds() * rate
    return min(limit, 1 + int(unused))


def _next_start(queue: BotQueue, now: datetime, started: int) -> datetime:
    rate = queue.bot.handlers_per_second
    since = now if queue.next_start_at is None else _since(queue.next_start_at, now)
    return since + timedelta(seconds=started / rate)


def _since(next_start_at: datetime, now: datetime) -> datetime:
    """What was left unused longer than a second ago is gone."""
    return max(next_start_at, now - timedelta(seconds=1))
