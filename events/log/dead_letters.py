"""Dead letters: handler runs and deliveries whose last attempt failed, grouped by receiver and kind of error."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from core.access.models import User
from events.enums import DeliveryStatus, RunStatus
from events.log.fingerprints import last_line
from events.models import Delivery, HandlerRun, Subscription

MAX_SCANNED = 5_000  # of the newest dead letters of each kind
MAX_GROUPS = 200


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Failures of one handler, or to one subscription, with the same fingerprint; ``error`` is the last line of the newest.

    ``receiver``: the handler's name or the subscription's ID; ``label``: what people call it.
    """

    receiver: str
    label: str
    fingerprint: str
    count: int
    first: datetime | None
    last: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class DeadLetterGroups:
    """The largest first; ``is_more``: there are older dead letters that were not scanned."""

    groups: list[DeadLetters]
    is_more: bool


def dead_runs(user: User) -> DeadLetterGroups:
    """Handler runs that an operator may see, by handler and fingerprint."""
    dead = HandlerRun.objects.visible_to(user).filter(status=RunStatus.DEAD, is_current=True)
    # Only what the index run_dead_newest has: their rows are spread over the whole table.
    newest = list(dead.order_by("-pk").values_list("pk", "handler", "fingerprint")[:MAX_SCANNED])
    largest = _largest(newest)
    ends = HandlerRun.objects.only("finished_at", "error").in_bulk(_ends(largest))
    return DeadLetterGroups(_letters(largest, ends, {}), is_more=len(newest) >= MAX_SCANNED)


def dead_deliveries(user: User) -> DeadLetterGroups:
    """Deliveries that an operator may see, by subscription and fingerprint: of own bots to own subscriptions."""
    dead = Delivery.objects.visible_to(user).filter(status=DeliveryStatus.DEAD, is_current=True)
    if not user.sees_everything:
        own = list(Subscription.objects.filter(owner=user).values_list("pk", flat=True))
        dead = dead.filter(subscription__in=own)
    # Only what the index delivery_dead_newest has.
    rows = dead.order_by("-pk").values_list("pk", "subscription", "fingerprint")[:MAX_SCANNED]
    newest = [(pk, str(subscription), kind) for pk, subscription, kind in rows]
    largest = _largest(newest)
    ends = Delivery.objects.only("finished_at", "error").in_bulk(_ends(largest))
    named = Subscription.objects.filter(pk__in={receiver for (receiver, _kind), _pks in largest})
    labels = {str(pk): name for pk, name in named.values_list("pk", "name")}
    return DeadLetterGroups(_letters(largest, ends, labels), is_more=len(newest) >= MAX_SCANNED)


Groups: TypeAlias = list[tuple[tuple[str, str], list[int]]]
"""Receiver and fingerprint, and the primary keys, the newest first."""


def _largest(rows: Iterable[tuple[int, str, str]]) -> Groups:
    groups: dict[tuple[str, str], list[int]] = {}
    for pk, receiver, kind in rows:
        groups.setdefault((receiver, kind), []).append(pk)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))[:MAX_GROUPS]


def _ends(groups: Groups) -> list[int]:
    """The newest and the oldest of each group."""
    return [pk for _key, pks in groups for pk in (pks[0], pks[-1])]


def _letters(
    groups: Groups, ends: Mapping[int, HandlerRun | Delivery], labels: Mapping[str, str]
) -> list[DeadLetters]:
    """Groups whose ends were not deleted meanwhile."""
    return [
        DeadLetters(
            receiver,
            labels.get(receiver, receiver),
            kind,
            len(pks),
            first.finished_at,
            last.finished_at,
            last_line(last.error),
        )
        for (receiver, kind), pks in groups
        if (last := ends.get(pks[0])) and (first := ends.get(pks[-1]))
    ]
