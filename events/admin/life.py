"""What became of one event, read once for all parts of its page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from core.access.models import User
from events.enums import DeliveryStatus, RunStatus
from events.models import Delivery, DeliveryAttempt, Event, HandlerAttempt, HandlerRun

MAX_ENTRIES = 100  # of one event and kind; the newest
MAX_ATTEMPTS = 1000

Attempt = HandlerAttempt | DeliveryAttempt
A = TypeVar("A", HandlerAttempt, DeliveryAttempt)


@dataclass(frozen=True, slots=True)
class EventLife:
    """Handler runs and deliveries, the oldest first, and the attempts of each by number."""

    event: Event
    runs: list[HandlerRun]
    deliveries: list[Delivery]
    run_attempts: dict[int, dict[int, HandlerAttempt]]
    delivery_attempts: dict[int, dict[int, DeliveryAttempt]]

    @property
    def dead_runs(self) -> list[HandlerRun]:
        return [run for run in self.runs if run.is_current and run.status == RunStatus.DEAD]

    @property
    def dead_deliveries(self) -> list[Delivery]:
        return [one for one in self.deliveries if one.is_current and one.status == DeliveryStatus.DEAD]


def life_of(event: Event, viewer: User) -> EventLife:
    """Without deliveries to subscriptions of other operators. Four queries, however many attempts there were."""
    rows = HandlerRun.objects.filter(event=event).select_related("replay").order_by("-pk")
    runs = list(rows[:MAX_ENTRIES])[::-1]
    run_attempts = HandlerAttempt.objects.filter(run__in=runs).order_by("pk")[:MAX_ATTEMPTS]
    sent = Delivery.objects.filter(event=event).select_related("replay", "subscription").order_by("-pk")
    if not viewer.sees_everything:
        sent = sent.filter(subscription__owner=viewer)
    deliveries = list(sent[:MAX_ENTRIES])[::-1]
    delivery_attempts = DeliveryAttempt.objects.filter(delivery__in=deliveries).order_by("pk")[:MAX_ATTEMPTS]
    return EventLife(
        event,
        runs,
        deliveries,
        _by_row((attempt.run_id, attempt) for attempt in run_attempts),
        _by_row((attempt.delivery_id, attempt) for attempt in delivery_attempts),
    )


def _by_row(attempts: Iterable[tuple[int, A]]) -> dict[int, dict[int, A]]:
    """Attempts by their row and their number."""
    found: dict[int, dict[int, A]] = {}
    for pk, attempt in attempts:
        found.setdefault(pk, {})[attempt.number] = attempt
    return found
