"""Whose turn it is: bots with work, the one served longest ago first, each within the rate its operator set."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from events.domain.claims import choose_due, claim
from events.domain.dispatch import dispatch_events
from events.domain.room import HandlerRoom, Whose
from events.domain.statements import ask, uuid_of
from events.domain.switches import switches_by_bot
from events.models import Delivery, Lane

AT_ONCE = 64  # bots looked at in one round
EVENTS = 200  # dispatched in one transaction


class Served(NamedTuple):
    """What a turn of some bots came to."""

    dispatched: int
    """Events that were given their deliveries."""
    claimed: list[Delivery]
    switches: Mapping[UUID, Mapping[str, bool]]
    """What operators said about the handlers of these bots."""
    is_more: bool
    """Whether another turn may find more to do at once."""
    is_short: bool
    """Whether something that is due has to wait until there is room."""
    is_held: bool
    """Whether somebody else was serving one of the bots."""


def waiting_lanes() -> list[UUID]:
    """Bots that have something to be done for them now, in the order in which it is their turn."""
    now = timezone.now()
    rows = ask(
        "SELECT lane.bot_id FROM events_lane lane JOIN bots_bot bot ON bot.id = lane.bot_id"  # noqa: S608 -- a constant
        " WHERE bot.deleted_at IS NULL AND ("
        "EXISTS (SELECT 1 FROM events_event WHERE bot_id = lane.bot_id AND status = 'received')"
        " OR ((lane.next_start_at IS NULL OR lane.next_start_at <= %s)"
        " AND EXISTS (SELECT 1 FROM events_delivery WHERE bot_id = lane.bot_id AND subscription_id IS NULL"
        " AND status IN ('pending', 'retrying') AND run_at <= %s)))"
        f" ORDER BY lane.served_at ASC NULLS FIRST LIMIT {AT_ONCE}",
        [now, now],
    )
    return [uuid_of(bot_id) for (bot_id,) in rows]


def serve(bot_ids: Sequence[UUID], *, limit: int, room: HandlerRoom) -> Served:
    """Dispatch for these bots, in this order, and claim up to ``limit`` deliveries of them: of each bot no more than its
    share, and what the room admits. Those that somebody else is serving are left to them."""
    chosen: dict[int, Whose] = {}
    try:
        with transaction.atomic():
            lanes = _hold(bot_ids)
            return _serve(lanes, chosen, limit, room, is_held=len(lanes) < len(bot_ids))
    except BaseException:
        for whose in chosen.values():
            room.leave(whose)
        raise


def _serve(
    lanes: Sequence[Lane], chosen: dict[int, Whose], limit: int, room: HandlerRoom, *, is_held: bool
) -> Served:
    switches = switches_by_bot([lane.pk for lane in lanes])
    now = timezone.now()
    dispatched, is_more, is_short = 0, False, False
    started: dict[Lane, int] = {}
    for place, lane in enumerate(lanes):
        before = len(chosen)
        if limit and before == limit:
            is_short = True
            break
        events, is_queued = dispatch_events(lane.bot, switches[lane.pk], limit=EVENTS - dispatched)
        dispatched += events
        share = max(1, (limit - before) // (len(lanes) - place)) if limit else 0
        is_short |= choose_due(lane.pk, chosen, limit=_allowed(lane, now, share), room=room)
        started[lane] = len(chosen) - before
        is_more |= is_queued or (share > 0 and started[lane] == share)
    claimed = claim(chosen, room)
    _note_turns(started, now)
    return Served(dispatched, claimed, switches, is_more or dispatched == EVENTS, is_short, is_held)


def _hold(bot_ids: Sequence[UUID]) -> list[Lane]:
    lanes = Lane.objects.select_for_update(skip_locked=True, of=("self",)).select_related("bot")
    return sorted(lanes.filter(pk__in=bot_ids), key=lambda lane: bot_ids.index(lane.pk))


def _note_turns(started: Mapping[Lane, int], now: datetime) -> None:
    """When these bots were served and, where there is a rate, when the next handler may start."""
    rated = {lane: count for lane, count in started.items() if lane.bot.handlers_per_second}
    for lane, count in rated.items():
        Lane.objects.filter(pk=lane.pk).update(served_at=now, next_start_at=_next_start(lane, now, count))
    others = [lane.pk for lane in started.keys() - rated.keys()]
    Lane.objects.filter(pk__in=others).update(served_at=now, next_start_at=None)


def _allowed(lane: Lane, now: datetime, limit: int) -> int:
    """How many deliveries may start now: what a second's worth of the bot's rate has not used up yet."""
    rate = lane.bot.handlers_per_second
    if not rate or lane.next_start_at is None:
        return min(limit, rate) if rate else limit
    if lane.next_start_at > now:
        return 0
    unused = (now - _since(lane.next_start_at, now)).total_seconds() * rate
    return min(limit, 1 + int(unused))


def _next_start(lane: Lane, now: datetime, started: int) -> datetime:
    rate = lane.bot.handlers_per_second
    since = now if lane.next_start_at is None else _since(lane.next_start_at, now)
    return since + timedelta(seconds=started / rate)


def _since(next_start_at: datetime, now: datetime) -> datetime:
    """What was left unused longer than a second ago is gone."""
    return max(next_start_at, now - timedelta(seconds=1))
