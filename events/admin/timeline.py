"""The handler runs and the deliveries of one event, each with its attempts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from core.console.badges import label, state
from core.console.rendering import actor, ago, duration, exact
from core.vault.redaction import redact_text
from events.admin.life import Attempt, EventLife
from events.enums import AttemptOutcome, DeliveryStatus, RunFailure, RunStatus
from events.log.fingerprints import last_line
from events.log.sentences import shown
from events.models import Delivery, HandlerRun
from events.models.claims import WAITING

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


def handler_runs(life: EventLife) -> str:
    """As HTML: the runs with their attempts, the latest of each handler and those that a replay replaced."""
    entries = [
        Entry(
            run,
            run.handler,
            label(run.status_in_words, RUN_COLOURS.get(RunStatus(run.status), "")),
            list(_attempt_lines(run, life.run_attempts.get(run.pk, {}))),
        )
        for run in life.runs
    ]
    empty = gettext("No handler was called.")
    return _rendered("run", entries, empty)


def deliveries(life: EventLife) -> str:
    """As HTML: the deliveries to subscriptions, whose states are their own and not the event's."""
    entries = [
        Entry(
            delivery,
            delivery.subscription.name,
            state(DeliveryStatus(delivery.status), DELIVERY_COLOURS),
            list(_attempt_lines(delivery, life.delivery_attempts.get(delivery.pk, {}))),
        )
        for delivery in life.deliveries
    ]
    return _rendered("delivery", entries, gettext("It goes to none of your subscriptions."))


def _rendered(kind: str, entries: list[Entry], empty: str) -> str:
    return render_to_string(
        "admin/events/event/timeline.html", {"kind": kind, "entries": entries, "empty": empty}
    )


def _attempt_lines(row: Row, attempts: Mapping[int, Attempt]) -> Iterator[AttemptLine]:
    is_running = row.status == RunStatus.RUNNING
    # A row that ended before its first attempt has none at all; the last one of a run that was skipped is not made.
    made = row.attempts - (row.status == RunStatus.SKIPPED and isinstance(row, HandlerRun))
    numbers = range(1, made + 1) if attempts or is_running else ()
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
