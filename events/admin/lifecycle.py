"""The life of one event, from the platform to the last try of its last handler."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from core.console.badges import state
from core.console.rendering import actor, ago, exact
from core.vault.redaction import redact_text
from events.enums import AttemptOutcome, DeliveryStatus, RunFailure, RunStatus
from events.log.fingerprints import last_line
from events.models import Delivery, DeliveryAttempt, Event, HandlerAttempt, HandlerRun
from events.models.claims import WAITING

MAX_STORIES = 100  # of one event and kind; the newest
MAX_TRIES = 1000

RUN_COLOURS = {
    RunStatus.QUEUED: "info",
    RunStatus.PENDING: "info",
    RunStatus.RUNNING: "info",
    RunStatus.RETRYING: "warning",
    RunStatus.SUCCEEDED: "success",
    RunStatus.DEAD: "danger",
}
DELIVERY_COLOURS = {
    DeliveryStatus.PENDING: "info",
    DeliveryStatus.RUNNING: "info",
    DeliveryStatus.RETRYING: "warning",
    DeliveryStatus.SUCCEEDED: "success",
    DeliveryStatus.DEAD: "danger",
}
OUTCOME_COLOURS = {AttemptOutcome.SUCCEEDED: "success", AttemptOutcome.FAILED: "danger"}


@dataclass(frozen=True, slots=True)
class Try:
    """One line beneath a handler run or a delivery; without times when its worker never came back."""

    number: int
    outcome: str
    at: str = ""
    took: str = ""
    summary: str = ""
    error: str = ""


@dataclass(slots=True)
class Story:
    """One handler run, or one delivery, and its tries."""

    row: HandlerRun | Delivery
    title: str
    label: SafeString
    tries: list[Try] = field(default_factory=list)

    @property
    def next_try(self) -> str:
        return ago(self.row.run_at) if self.row.status in WAITING else ""

    @property
    def cause(self) -> str:
        """Why a handler run waits or has ended without its handler; other causes are in the tries."""
        return RunFailure.NOT_INSTALLED.label if self.row.failure == RunFailure.NOT_INSTALLED else ""

    @property
    def replayed_by(self) -> str:
        return actor(self.row.replay.requested_by) if self.row.replay else ""

    @property
    def summary(self) -> str:
        """The error of one without tries of its own, such as a run whose handler is gone."""
        return "" if self.tries else last_line(redact_text(self.row.error))

    @property
    def error(self) -> str:
        return "" if self.tries else redact_text(self.row.error.strip())


def lifecycle(event: Event) -> str:
    """The timeline as HTML; four queries, however many tries there were."""
    return render_to_string(
        "admin/events/event/lifecycle.html",
        {"steps": list(_steps(event)), "runs": _run_stories(event), "deliveries": _delivery_stories(event)},
    )


def _run_stories(event: Event) -> list[Story]:
    rows = HandlerRun.objects.filter(event=event).select_related("replay").order_by("-pk")
    runs = list(rows[:MAX_STORIES])[::-1]
    log = HandlerAttempt.objects.filter(run__in=runs).order_by("pk")[:MAX_TRIES]
    known = _by_row((attempt.run_id, attempt) for attempt in log)
    return [
        Story(
            run,
            run.handler,
            state(RunStatus(run.status), RUN_COLOURS),
            list(_tries(run, known.get(run.pk, {}))),
        )
        for run in runs
    ]


def _delivery_stories(event: Event) -> list[Story]:
    rows = Delivery.objects.filter(event=event).select_related("replay", "subscription").order_by("-pk")
    deliveries = list(rows[:MAX_STORIES])[::-1]
    log = DeliveryAttempt.objects.filter(delivery__in=deliveries).order_by("pk")[:MAX_TRIES]
    known = _by_row((attempt.delivery_id, attempt) for attempt in log)
    return [
        Story(
            delivery,
            delivery.subscription.name,
            state(DeliveryStatus(delivery.status), DELIVERY_COLOURS),
            list(_tries(delivery, known.get(delivery.pk, {}))),
        )
        for delivery in deliveries
    ]


Attempt = HandlerAttempt | DeliveryAttempt


def _by_row(attempts: Iterable[tuple[int, Attempt]]) -> dict[int, dict[int, Attempt]]:
    """Attempts by their row and their number."""
    found: dict[int, dict[int, Attempt]] = {}
    for pk, attempt in attempts:
        found.setdefault(pk, {})[attempt.number] = attempt
    return found


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


def _tries(row: HandlerRun | Delivery, known: Mapping[int, Attempt]) -> Iterator[Try]:
    running = row.status == RunStatus.RUNNING
    # A row that ended before its first attempt has none at all.
    numbers = range(1, row.attempts + 1) if known or running else ()
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
        elif running and number == row.attempts:
            yield Try(
                number, state(RunStatus.RUNNING, RUN_COLOURS), exact(row.started_at),
                duration(timezone.now() - row.started_at) if row.started_at else "",
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
