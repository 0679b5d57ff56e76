"""The life of one event, from the platform to the last try of its last handler."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from core.console.columns import actor, ago, exact, state
from core.vault.redaction import redact_text
from events.enums import AttemptOutcome, DeliveryStatus
from events.log.fingerprints import last_line
from events.models import Delivery, DeliveryAttempt, Event

MAX_DELIVERIES = 100  # of one event; the newest
MAX_TRIES = 1000

DELIVERY_COLOURS = {
    DeliveryStatus.QUEUED: "info",
    DeliveryStatus.PENDING: "info",
    DeliveryStatus.RUNNING: "info",
    DeliveryStatus.RETRYING: "warning",
    DeliveryStatus.SUCCEEDED: "success",
    DeliveryStatus.DEAD: "danger",
}
OUTCOME_COLOURS = {AttemptOutcome.SUCCEEDED: "success", AttemptOutcome.FAILED: "danger"}


@dataclass(frozen=True, slots=True)
class Try:
    """One line beneath a delivery; without times when its worker never came back."""

    number: int
    outcome: str
    at: str = ""
    took: str = ""
    summary: str = ""
    error: str = ""


@dataclass(slots=True)
class DeliveryStory:
    """One delivery and its tries."""

    delivery: Delivery
    tries: list[Try] = field(default_factory=list)

    @property
    def label(self) -> SafeString:
        return state(DeliveryStatus(self.delivery.status), DELIVERY_COLOURS)

    @property
    def next_try(self) -> str:
        waits = self.delivery.status in {DeliveryStatus.PENDING, DeliveryStatus.RETRYING}
        return ago(self.delivery.run_at) if waits else ""

    @property
    def replayed_by(self) -> str:
        return actor(self.delivery.replay.requested_by) if self.delivery.replay else ""

    @property
    def summary(self) -> str:
        """The error of a delivery without tries of its own, such as one whose handler is gone."""
        return "" if self.tries else last_line(redact_text(self.delivery.error))

    @property
    def error(self) -> str:
        return "" if self.tries else redact_text(self.delivery.error.strip())


def lifecycle(event: Event) -> str:
    """The timeline as HTML; three queries, however many tries there were."""
    deliveries = list(
        Delivery.objects.filter(event=event)
        .select_related("replay", "subscription")
        .order_by("-pk")[:MAX_DELIVERIES]
    )[::-1]
    stories = {delivery.pk: DeliveryStory(delivery) for delivery in deliveries}
    attempts: dict[int, dict[int, DeliveryAttempt]] = {}
    for attempt in DeliveryAttempt.objects.filter(delivery__in=deliveries).order_by("pk")[:MAX_TRIES]:
        attempts.setdefault(attempt.delivery_id, {})[attempt.number] = attempt
    for story in stories.values():
        story.tries = list(_tries(story.delivery, attempts.get(story.delivery.pk, {})))
    return render_to_string(
        "admin/events/event/lifecycle.html", {"steps": list(_steps(event)), "stories": list(stories.values())}
    )


def _steps(event: Event) -> Iterator[tuple[str, str, str]]:
    """Title, exact time, and what is to be said about it."""
    yield gettext("Happened on the platform"), exact(event.created_at), ""
    yield (
        gettext("Received and stored"),
        exact(event.received_at),
        _after(event.created_at, event.received_at),
    )
    if event.duplicates:
        text = gettext("pushed again %(count)d times; stored once") % {"count": event.duplicates}
        yield gettext("Duplicates"), "", text
    if event.finished_at:
        yield gettext("Finished"), exact(event.finished_at), _after(event.received_at, event.finished_at)


def _tries(delivery: Delivery, known: dict[int, DeliveryAttempt]) -> Iterator[Try]:
    running = delivery.status == DeliveryStatus.RUNNING
    # Deliveries of before tries were kept have none at all.
    numbers = range(1, delivery.attempts + 1) if known or running else ()
    for number in numbers:
        attempt = known.get(number)
        if attempt:
            error = redact_text(attempt.error.strip())
            yield Try(
                number,
                state(AttemptOutcome(attempt.outcome), OUTCOME_COLOURS),
                exact(attempt.started_at),
                duration(attempt.finished_at - attempt.started_at),
                last_line(error),
                error if "\n" in error else "",
            )
        elif running and number == delivery.attempts:
            yield Try(
                number, state(DeliveryStatus.RUNNING, DELIVERY_COLOURS), exact(delivery.started_at),
                duration(timezone.now() - delivery.started_at) if delivery.started_at else "",
            )  # fmt: skip
        else:
            yield Try(number, gettext("Its worker was gone before it ended"))


def _after(earlier: datetime, later: datetime) -> str:
    return gettext("after %(duration)s") % {"duration": duration(later - earlier)} if later >= earlier else ""


def duration(span: timedelta) -> str:
    """A length of time as a person reads it, e.g. ``35 ms``, ``2.4 s``, ``1 h 05 min``."""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, hours = int(seconds // 60) % 60, int(seconds // 3600)
    if hours >= 48:
        return gettext("%(days)d days") % {"days": hours // 24}
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {int(seconds % 60):02d} s"
