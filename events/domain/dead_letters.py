"""Deliveries that failed for good, those of a kind together."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min

from events.domain.fingerprints import last_line
from events.enums import DeliveryStatus
from events.models import Delivery
from feishu_portal.access.models import User

MOST = 5_000  # dead letters looked at, the newest
MAX_GROUPS = 200


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Failures of one handler, or one subscription, that have the same fingerprint; ``error`` is the last line of the
    newest, ``receiver`` what the handler or the subscription is called."""

    handler: str
    receiver: str
    error_print: str
    count: int
    first: datetime | None
    last: datetime | None
    error: str


def grouped(user: User) -> tuple[list[DeadLetters], bool]:
    """Groups an operator may see, the largest first, and whether there are dead letters that were not looked at."""
    dead = Delivery.objects.visible_to(user).filter(status=DeliveryStatus.DEAD, is_current=True)
    newest = dead.order_by("-pk").values("pk")
    rows = (
        Delivery.objects.filter(pk__in=newest[:MOST])
        .order_by()
        .values("handler", "error_print", "subscription__name")
        .annotate(count=Count("pk"), first=Min("finished_at"), last=Max("finished_at"), sample=Max("pk"))
        .order_by("-count", "handler", "error_print")[:MAX_GROUPS]
    )
    groups = list(rows)
    errors = dict(
        Delivery.objects.filter(pk__in=[group["sample"] for group in groups]).values_list("pk", "error")
    )
    found = [
        DeadLetters(
            group["handler"],
            group["subscription__name"] or group["handler"],
            group["error_print"],
            group["count"],
            group["first"],
            group["last"],
            last_line(errors.get(group["sample"], "")),
        )
        for group in groups
    ]
    return found, sum(group.count for group in found) >= MOST
