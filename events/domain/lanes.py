"""Whose turn it is: bots with work, the one served longest ago first, each within the rate its operator set."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from events.domain.claims import claim_due
from events.domain.dispatch import dispatch_events
from events.domain.room import HandlerRoom
from events.enums import EventStatus
from events.models import Delivery, Event, Lane

AT_ONCE = 64  # bots looked at in one round


def waiting_lanes(limit: int = AT_ONCE) -> list[UUID]:
    """Bots that have something to be done for them now, in the order in which it is their turn."""
    undispatched = Event.objects.filter(bot_id=OuterRef("bot_id"), status=EventStatus.RECEIVED)
    due = Delivery.objects.to_handlers().due().filter(bot_id=OuterRef("bot_id"))
    paced = Q(next_start_at=None) | Q(next_start_at__lte=timezone.now())
    lanes = Lane.objects.filter(bot__deleted_at=None).filter(Exists(undispatched) | (paced & Exists(due)))
    return list(lanes.order_by(F("served_at").asc(nulls_first=True)).values_list("bot_id", flat=True)[:limit])


@transaction.atomic
def serve(bot_id: UUID, *, limit: int, room: HandlerRoom) -> tuple[int, list[Delivery]]:
    """Dispatch for a bot and claim up to ``limit`` deliveries of it.

    Returns how many events were dispatched and what was claimed; nothing when somebody else is serving the bot.
    """
    lane = (
        Lane.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("bot")
        .filter(pk=bot_id)
        .first()
    )
    if lane is None:
        return 0, []
    now = timezone.now()
    dispatched = dispatch_events(lane.bot)
    claimed = claim_due(lane.bot, limit=_allowed(lane, now, limit), room=room)
    lane.served_at = now
    lane.next_start_at = _next_start(lane, now, len(claimed))
    lane.save(update_fields=["served_at", "next_start_at"])
    return dispatched, claimed


def _allowed(lane: Lane, now: datetime, limit: int) -> int:
    """How many deliveries may start now: what a second's worth of the bot's rate has not used up yet."""
    rate = lane.bot.handlers_per_second
    if not rate or lane.next_start_at is None:
        return min(limit, rate) if rate else limit
    if lane.next_start_at > now:
        return 0
    unused = (now - _since(lane.next_start_at, now)).total_seconds() * rate
    return min(limit, 1 + int(unused))


def _next_start(lane: Lane, now: datetime, started: int) -> datetime | None:
    rate = lane.bot.handlers_per_second
    if not rate:
        return None
    since = now if lane.next_start_at is None else _since(lane.next_start_at, now)
    return since + timedelta(seconds=started / rate)


def _since(next_start_at: datetime, now: datetime) -> datetime:
    """What was left unused longer than a second ago is gone."""
    return max(next_start_at, now - timedelta(seconds=1))
