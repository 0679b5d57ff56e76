"""Claiming deliveries: a batch in three statements. ``claim_id`` and the lease are what fence them afterwards."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from bots.database_time import DatabaseTime
from bots.models import Bot
from events.domain.room import HandlerRoom, Whose
from events.enums import DeliveryStatus
from events.models import Delivery, DeliveryQuerySet

LEASE = timedelta(seconds=30)
"""After that a runner that renewed nothing counts as gone. It renews three times as often, whatever its handlers do."""


def claim_due(bot: Bot, *, limit: int, room: HandlerRoom) -> list[Delivery]:
    """Claim deliveries of ``bot`` that are due, as many as ``limit`` and the room allow. They count as inside the room.

    The try is counted here, so that one that kills its worker is counted too. The caller holds the bot's lane.
    """
    if limit <= 0:
        return []
    full = [
        handler
        for bot_id, handler in room.inside()
        if bot_id == bot.pk and not room.admits((bot_id, handler))
    ]
    due = (
        Delivery.objects.to_handlers()
        .due()
        .filter(bot=bot)
        .exclude(handler__in=full)
        .order_by("run_at", "pk")
    )
    chosen: dict[int, Whose] = {}
    for pk, handler in due.values_list("pk", "handler")[:limit]:
        if room.admits((bot.pk, handler)):
            chosen[pk] = (bot.pk, handler)
            room.enter(chosen[pk])
    if not chosen:
        return []
    claim_id = uuid.uuid4()
    take(Delivery.objects.due().filter(pk__in=chosen), claim_id)
    claimed = list(
        Delivery.objects.filter(claim_id=claim_id).select_related("event__bot").order_by("run_at", "pk")
    )
    for pk in chosen.keys() - {delivery.pk for delivery in claimed}:
        room.leave(chosen[pk])
    return claimed


def claim_abandoned(room: HandlerRoom) -> Delivery | None:
    """Claim one delivery whose runner is gone. One at a time: it may be what took the runner down."""
    lost = Delivery.objects.to_handlers().abandoned().order_by("lease_until")
    for pk in lost.values_list("pk", flat=True)[:1]:
        claim_id = uuid.uuid4()
        if take(Delivery.objects.abandoned().filter(pk=pk), claim_id):
            delivery = Delivery.objects.select_related("event__bot").get(pk=pk)
            room.enter((delivery.bot_id, delivery.handler))
            return delivery
    return None


def renew(claims: Sequence[tuple[int, uuid.UUID | None]]) -> None:
    """Keep the leases of deliveries that are still being handled."""
    held = Delivery.objects.filter(status=DeliveryStatus.RUNNING, pk__in=[pk for pk, _claim in claims])
    held.filter(claim_id__in={claim for _pk, claim in claims}).update(
        lease_until=DatabaseTime(LEASE.total_seconds())
    )


def take(deliveries: DeliveryQuerySet, claim_id: uuid.UUID) -> int:
    """Claim what is still as ``deliveries`` says; returns how many."""
    return deliveries.update(
        status=DeliveryStatus.RUNNING,
        claim_id=claim_id,
        lease_until=DatabaseTime(LEASE.total_seconds()),
        started_at=timezone.now(),
        attempts=F("attempts") + 1,
    )
