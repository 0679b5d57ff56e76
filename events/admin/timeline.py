"""The timeline of one event: its arrival, its handler runs and its deliveries, each with its attempts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from core.access.models import User
from core.console.badges import state
from core.console.rendering import actor, ago, duration, exact
from core.vault.redaction import redact_text
from events.enums import AttemptOutcome, DeliveryStatus, RunFailure, RunStatus
from events.log.fingerprints import last_line
from events.models import Delivery, DeliveryAttempt, Event, HandlerAttempt, HandlerRun
from events.models.claims import WAITING
from events.subscriptions.http.failures import shown

MAX_ENTRIES = 100  # of one event and kind; the newest
MAX_ATTEMPTS = 1000

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

Row = HandlerRun | Delivery
Attempt = HandlerAttempt | DeliveryAttempt


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One line beneath a handler run or a delivery; without times where the worker never came back."""

    number: int
    outcome: str
    at: str = ""
    took: str = ""
    summary: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A handler run or a delivery, with its attempts."""

    row: Row
    title: str
    label: SafeString
    attempts: list[AttemptLine]

    @property
    def next_attempt(self) -> str:
        """When it is attempted next; empty where it ended, or is due already and waits for a worker."""
        waits = self.row.status in WAITING and self.row.run_at > timezone.now()
        return ago(self.row.run_at) if waits else ""

    @property
    def cause(self) -> str:
        """Why a handler run waits or has ended without its handler; other causes are in the attempts."""
        return str(RunFailure.NOT_INSTALLED.label) if self.row.failure == RunFailure.NOT_INSTALLED else ""

    @property
    def replayed_by(self) -> str:
        return actor(self.row.replay.requested_by) if self.row.replay else ""

    @property
    def summary(self) -> str:
        """The error of one that ended before its first attempt, e.g. a run whose handler is not installed."""
        return "" if self.attempts else shown(last_line(redact_text(self.row.error)))

    @property
    def error(self) -> str:
        return "" if self.attempts else shown(redact_text(self.row.error.strip()))


def timeline(event: Event, viewer: User) -> str:
    """As HTML, without deliveries to subscriptions of other operators; four queries, however many attempts there were."""
    rows = HandlerRun.objects.filter(event=event).select_related("replay").order_by("-pk")
    runs = list(rows[:MAX_ENTRIES])[::-1]
    run_attempts = HandlerAttempt.objects.filter(run__in=runs).order_by("pk")[:MAX_ATTEMPTS]
    lines = _by_row((attempt.run_id, attempt) for attempt in run_attempts)
    run_entries = [
        Entry(
            run,
            run.handler,
            state(RunStatus(run.status), RUN_COLOURS),
            list(_attempt_lines(run, lines.get(run.pk, {}))),
        )
        for run in runs
    ]
    sent = Delivery.objects.filter(event=event).select_related("replay", "subscription").order_by("-pk")
    if not viewer.sees_everything:
        sent = sent.filter(subscription__owner=viewer)
    deliveries = list(sent[:MAX_ENTRIES])[::-1]
    delivery_attempts = DeliveryAttempt.objects.filter(delivery__in=deliveries).order_by("pk")[:MAX_ATTEMPTS]
    lines = _by_row((attempt.delivery_id, attempt) for attempt in delivery_attempts)
    delivery_entries = [
        Entry(
            delivery,
            delivery.subscription.name,
            state(DeliveryStatus(delivery.status), DELIVERY_COLOURS),
            list(_attempt_lines(delivery, lines.get(delivery.pk, {}))),
        )
        for delivery in deliveries
    ]
    return render_to_string(
        "admin/events/event/timeline.html",
        {"steps": list(_steps(event)), "runs": run_entries, "deliveries": delivery_entries},
    )


def _by_row(attempts: Iterable[tuple[int, Attempt]]) -> dict[int, dict[int, Attempt]]:
    """Attempts by their row and their number."""
    found: dict[int, dict[int, Attempt]] = {}
    for pk, attempt in attempts:
        found.setdefault(pk, {})[attempt.number] = attempt
    return found


def _steps(event: Event) -> Iterator[tuple[str, str, str]]:
    """Title, exact time, and a remark."""
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


def _after(earlier: datetime, later: datetime) -> str:
    return gettext("after %(duration)s") % {"duration": duration(later - earlier)} if later >= earlier else ""


def _attempt_lines(row: Row, attempts: Mapping[int, Attempt]) -> Iterator[AttemptLine]:
    is_running = row.status == RunStatus.RUNNING
    # A row that ended before its first attempt has none at all.
    numbers = range(1, row.attempts + 1) if attempts or is_running else ()
    for number in numbers:
        if attempt := attempts.get(number):
            error = redact_text(attempt.error.strip())
            yield AttemptLine(
                number,
                state(AttemptOutcome(attempt.outcome), OUTCOME_COLOURS),
                exact(attempt.started_at),
                duration(attempt.finished_at - attempt.started_at),
                shown(last_line(error)),
                error if "\n" in error else "",
            )
        elif is_running and number == row.attempts:
            yield AttemptLine(
                number,
                state(RunStatus.RUNNING, RUN_COLOURS),
                exact(row.started_at),
                duration(timezone.now() - row.started_at) if row.started_at else "",
            )
        else:
            yield AttemptLine(number, gettext("Its worker was gone before it ended"))
