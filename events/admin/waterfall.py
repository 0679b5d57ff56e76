"""The waterfall of one event: from the platform to the portal, the wait for a worker, each attempt of a handler, the answer.

An event has one chart, and one more for each replay, whose clock begins with the replay.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext

from core.console.rendering import duration
from events.admin.life import EventLife
from events.enums import AttemptOutcome, RunStatus
from events.models import HandlerRun
from feishu.callbacks import is_callback

MAX_BARS: Final = 40
"""Of a chart."""
MAX_CHARTS: Final = 5
MIN_WIDTH: Final = 0.6
"""Percent: also an instant is seen."""
NOTHING: Final = timedelta()


@dataclass(frozen=True, slots=True)
class Step:
    """``kind`` says its colour: transit, waiting, succeeded, failed, running, answer."""

    title: str
    kind: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Bar:
    """A step as it is drawn: ``x`` and ``width`` in percent of its chart."""

    title: str
    kind: str
    begins: str
    took: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Chart:
    """``title`` is empty for the first handling; ``more``: so many steps are left out."""

    title: str
    total: str
    bars: list[Bar]
    more: int


def waterfall(life: EventLife) -> str:
    """As HTML."""
    return render_to_string(
        "admin/events/event/waterfall.html",
        {"charts": list(charts_of(life)), "duplicates": life.event.duplicates},
    )


def charts_of(life: EventLife) -> Iterator[Chart]:
    by_replay: dict[int | None, list[HandlerRun]] = {None: []}
    for run in life.runs:
        by_replay.setdefault(run.replay_id, []).append(run)
    first = by_replay.pop(None)
    yield _chart("", life.event.created_at, list(_first_handling(life, first)))
    for number, runs in list(by_replay.items())[-MAX_CHARTS:]:
        steps = list(_attempts(life, runs))
        if steps:
            yield _chart(gettext("Replay #%(number)d") % {"number": number}, steps[0].begins, steps)


def _first_handling(life: EventLife, runs: Iterable[HandlerRun]) -> Iterator[Step]:
    event = life.event
    yield Step(gettext("From the platform to the portal"), "transit", event.created_at, event.received_at)
    attempts = list(_attempts(life, runs))
    if attempts and attempts[0].begins > event.received_at:
        yield Step(gettext("Waiting for a worker"), "waiting", event.received_at, attempts[0].begins)
    yield from attempts
    ended = event.finished_at if not event.answered_late else None
    if is_callback(event.event_type) and attempts and ended:
        yield Step(gettext("Answer to the platform"), "answer", ended, ended)


def _attempts(life: EventLife, runs: Iterable[HandlerRun]) -> list[Step]:
    """In the order of their beginnings."""
    return sorted((step for run in runs for step in _attempts_of(life, run)), key=lambda step: step.begins)


def _attempts_of(life: EventLife, run: HandlerRun) -> Iterator[Step]:
    for number, attempt in life.run_attempts.get(run.pk, {}).items():
        kind = "succeeded" if attempt.outcome == AttemptOutcome.SUCCEEDED else "failed"
        yield Step(_title(run, number), kind, attempt.started_at, attempt.finished_at)
    if run.status == RunStatus.RUNNING and run.started_at:
        yield Step(_title(run, run.attempts), "running", run.started_at, timezone.now())


def _title(run: HandlerRun, number: int) -> str:
    if run.attempts < 2:
        return run.handler
    return gettext("%(handler)s, attempt %(number)d") % {"handler": run.handler, "number": number}


def _chart(title: str, start: datetime, steps: list[Step]) -> Chart:
    end = max((step.ends for step in steps), default=start)
    span = max(end - start, timedelta(milliseconds=1))
    bars = [_bar(step, start, span) for step in steps[:MAX_BARS]]
    return Chart(title, duration(max(end - start, NOTHING)), bars, max(0, len(steps) - MAX_BARS))


def _bar(step: Step, start: datetime, span: timedelta) -> Bar:
    begins, took = max(step.begins - start, NOTHING), max(step.ends - step.begins, NOTHING)
    width = min(max(took / span * 100, MIN_WIDTH), 100.0)
    x = min(begins / span * 100, 100.0 - width)
    return Bar(step.title, step.kind, f"+{duration(begins)}", duration(took), f"{x:.2f}%", f"{width:.2f}%")
