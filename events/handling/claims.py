"""Claiming deliveries: a batch in a few statements. ``claim_id`` and the lease are what fence them afterwards."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from django.db.models import F
from django.utils import timezone

from core.database.clock import DatabaseTime
from core.database.sql import ask, marks
from events.enums import DeliveryStatus
from events.handling.concurrency import HandlerRoom, Whose
from events.models import Delivery, DeliveryQuerySet

LEASE = timedelta(seconds=30)
"""After that a runner that renewed nothing counts as gone. It renews three times as often, whatever its handlers do."""


class Choice(NamedTuple):
    """How choosing went. ``is_refused``: the room refused something; ``is_behind``: something was found behind that."""

    is_refused: bool
    is_behind: bool


def choose_due(
    bot_id: uuid.UUID, chosen: dict[int, Whose], *, limit: int, room: HandlerRoom, is_thorough: bool
) -> Choice:
    """Add to ``chosen`` what is due of a bot, the oldest first, as much as ``limit`` and the room allow; it counts as
    inside the room. ``is_thorough``: look behind what the room refuses, which may be long. The caller holds the bot's
    lane."""
    full: set[str] = set()
    after, is_behind = None, False
    while limit > 0:
        rows = _due(bot_id, besides=sorted(full), after=after, limit=limit)
        is_all, refused_before = len(rows) < limit, bool(full)
        for pk, handler, run_at in rows:
            whose, after = (bot_id, handler), (run_at, pk)
            if room.admits(whose):
                room.enter(whose)
                chosen[pk] = whose
                limit -= 1
                is_behind |= refused_before
            else:
                full.add(handler)
        if is_all or not room.free or not is_thorough:
            break
    return Choice(bool(full), is_behind)


def _due(
    bot_id: uuid.UUID, *, besides: Sequence[str], after: tuple[object, int] | None, limit: int
) -> list[tuple[int, str, object]]:
    """Primary key, handler and ``run_at`` of what is due after the place ``after``."""
    sql = (
        "SELECT id, handler, run_at FROM events_delivery WHERE bot_id = %s AND subscription_id IS NULL"
        " AND status IN ('pending', 'retrying') AND run_at <= %s"
    )
    values: list[object] = [bot_id, timezone.now()]
    if besides:
        sql += f" AND handler NOT IN ({marks(besides)})"
        values += besides
    if after:
        sql += " AND (run_at, id) > (%s, %s)"
        values += after
    return ask(f"{sql} ORDER BY run_at, id LIMIT {limit}", values)


def claim(chosen: dict[int, Whose], room: HandlerRoom) -> list[Delivery]:
    """Claim what was chosen; what could not be claimed is chosen no more. The try is counted here, so that one that
    kills its worker is counted too."""
    if not chosen:
        return []
    claim_id = uuid.uuid4()
    take(Delivery.objects.due().filter(pk__in=chosen), claim_id)
    claimed = list(claimed_with(claim_id, chosen).select_related("event__bot"))
    for pk in chosen.keys() - {delivery.pk for delivery in claimed}:
        room.leave(chosen.pop(pk))
    return claimed


def claimed_with(claim_id: uuid.UUID, pks: Iterable[int]) -> DeliveryQuerySet:
    """Those of ``pks`` that were claimed, in the order in which they were due. No index begins with the claim."""
    return Delivery.objects.filter(pk__in=list(pks), claim_id=claim_id).order_by("run_at", "pk")


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
