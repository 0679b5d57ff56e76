"""Deliveries that failed for good, those of a kind together."""

from dataclasses import dataclass
from datetime import datetime

from core.access.models import User
from events.enums import DeliveryStatus
from events.log.fingerprints import last_line
from events.models import Delivery

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
    # Only what the index delivery_dead_newest has: their rows are spread over the whole table.
    newest = dead.order_by("-pk").values_list("pk", "handler", "error_print")[:MOST]
    groups: dict[tuple[str, str], list[int]] = {}
    for pk, handler, error_print in newest:
        groups.setdefault((handler, error_print), []).append(pk)
    largest = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))[:MAX_GROUPS]
    ends = Delivery.objects.select_related("subscription").only("finished_at", "error", "subscription__name")
    found = ends.in_bulk([pk for _, pks in largest for pk in (pks[0], pks[-1])])
    letters = [
        DeadLetters(
            handler,
            last.subscription.name if last.subscription else handler,
            error_print,
            len(pks),
            first.finished_at,
            last.finished_at,
            last_line(last.error),
        )
        for (handler, error_print), pks in largest
        if (last := found.get(pks[0])) and (first := found.get(pks[-1]))
    ]
    return letters, sum(map(len, groups.values())) >= MOST
