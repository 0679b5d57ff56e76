"""The history of lost connections: written in batches, counted by cause."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, TypeAlias
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from bots.connections.platform_count import check_soon
from bots.enums import PLANNED_LOSSES, LossReason
from bots.live_updates import bots_changed
from bots.models import Bot, ConnectionLoss, ConnectionSlot

DAY: Final = timedelta(hours=24)

LossCounts: TypeAlias = dict[tuple[UUID, int], Counter[LossReason]]
"""By bot and number of the connection."""


def write_losses(losses: Sequence[ConnectionLoss]) -> None:
    """Store what was lost, but for bots that have been deleted meanwhile."""
    known = set(Bot.objects.filter(pk__in={loss.bot_id for loss in losses}).values_list("pk", flat=True))
    ConnectionLoss.objects.bulk_create([loss for loss in losses if loss.bot_id in known])
    bots_changed(known)
    check_soon({loss.bot_id for loss in losses if loss.reason not in PLANNED_LOSSES} & known)


def with_losses(slots: QuerySet[ConnectionSlot]) -> QuerySet[ConnectionSlot]:
    """Each slot with ``losses_of_a_day``: how many of its connections ended unintended in the past 24 hours."""
    lost = (
        ConnectionLoss.objects.since(timezone.now() - DAY)
        .filter(bot=OuterRef("bot"), number=OuterRef("number"))
        .exclude(reason__in=PLANNED_LOSSES)
        .order_by()
        .values("bot")
        .annotate(count=Count("pk"))
        .values("count")
    )
    return slots.annotate(losses_of_a_day=Coalesce(Subquery(lost), 0))


def losses_of_a_day(bots: Sequence[Bot]) -> LossCounts:
    """How many connections of these bots were lost in the past 24 hours. One query."""
    found: LossCounts = {}
    day = ConnectionLoss.objects.since(timezone.now() - DAY).filter(bot__in=bots).order_by()
    for bot_id, number, reason, count in day.values_list("bot", "number", "reason").annotate(Count("pk")):
        found.setdefault((bot_id, number), Counter())[LossReason(reason)] = count
    return found
