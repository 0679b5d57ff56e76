"""The waterfall has a bar for each step, as long as the step took."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils.translation import override

from events.admin.life import life_of
from events.admin.waterfall import Chart, charts_of
from events.enums import AttemptOutcome, EventStatus, RunStatus
from events.models import Event, HandlerAttempt, HandlerRun, ReplayJob
from tests.console.rows import Rows, page_of, text_of
from tests.events.handler_runs import stored_event
from tests.factories import click_event


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with override("en"):
        yield


def after(start: datetime, milliseconds: int) -> datetime:
    return start + timedelta(milliseconds=milliseconds)


def attempt(run: HandlerRun, number: int, begins: datetime, took: int, outcome: AttemptOutcome) -> None:
    HandlerAttempt.objects.create(
        run=run, number=number, started_at=begins, finished_at=after(begins, took), outcome=outcome
    )


@pytest.fixture
def event(rows: Rows) -> Event:
    """At the portal after 100 ms, begun after 300, failed after 400, tried again and done after 1000."""
    event = rows.event
    event.received_at = after(event.created_at, 100)
    event.save()
    run = event.handler_runs.get()
    HandlerRun.objects.filter(pk=run.pk).update(attempts=2, status=RunStatus.SUCCEEDED)
    attempt(run, 1, after(event.created_at, 300), 100, AttemptOutcome.FAILED)
    attempt(run, 2, after(event.created_at, 800), 200, AttemptOutcome.SUCCEEDED)
    return event


def charts(event: Event, owner) -> list[Chart]:
    return list(charts_of(life_of(event, owner)))


def test_bars_stand_where_their_steps_begin(event: Event, owner) -> None:
    [chart] = charts(event, owner)
    assert [(bar.kind, bar.begins, bar.took, bar.x, bar.width) for bar in chart.bars] == [
        ("transit", "+0 ms", "100 ms", "0.00%", "10.00%"),
        ("waiting", "+100 ms", "200 ms", "10.00%", "20.00%"),
        ("failed", "+300 ms", "100 ms", "30.00%", "10.00%"),
        ("succeeded", "+800 ms", "200 ms", "80.00%", "20.00%"),
    ]
    assert chart.total == "1.0 s"
    assert "attempt 2" in chart.bars[-1].title


def test_replay_has_a_chart_whose_clock_begins_with_it(event: Event, owner) -> None:
    job = ReplayJob.objects.create(requested_by="operator:lin", rate=5, last=9)
    run = HandlerRun.objects.create(
        event=event,
        bot=event.bot,
        handler="again",
        round=1,
        replay=job,
        attempts=1,
        status=RunStatus.SUCCEEDED,
    )
    attempt(run, 1, after(event.created_at, 90_000_000), 50, AttemptOutcome.SUCCEEDED)
    first, replayed = charts(event, owner)
    assert first.total == "1.0 s"
    assert str(job.pk) in replayed.title
    assert [(bar.begins, bar.took, bar.width) for bar in replayed.bars] == [("+0 ms", "50 ms", "100.00%")]


def test_event_whose_clock_is_ahead_and_that_nobody_handled_has_a_chart_too(rows: Rows, owner) -> None:
    HandlerRun.objects.all().delete()
    rows.event.created_at = after(rows.event.received_at, 5_000)
    [chart] = charts(rows.event, owner)
    assert [(bar.took, bar.x) for bar in chart.bars] == [("0 ms", "0.00%")]


def test_click_ends_with_its_answer_unless_that_was_late(rows: Rows, owner) -> None:
    click = stored_event(click_event(value={"action": "approve"}), bot=rows.bot)
    run = HandlerRun.objects.create(event=click, bot=rows.bot, handler="approve", status=RunStatus.SUCCEEDED)
    attempt(run, 1, click.received_at, 40, AttemptOutcome.SUCCEEDED)
    click.status, click.finished_at = EventStatus.DONE, after(click.received_at, 40)
    assert charts(click, owner)[0].bars[-1].kind == "answer"
    click.answered_late = True
    assert charts(click, owner)[0].bars[-1].kind == "succeeded"


def test_long_charts_are_cut(event: Event, owner, monkeypatch) -> None:
    monkeypatch.setattr("events.admin.waterfall.MAX_BARS", 3)
    [chart] = charts(event, owner)
    assert (len(chart.bars), chart.more) == (3, 1)


def test_page_draws_the_waterfall_without_a_style_attribute(event: Event, as_owner: Client) -> None:
    page = text_of(as_owner.get(page_of("events_event", event)))
    chart = page[
        page.index('data-testid="waterfall"') : page.index("</table>", page.index('data-testid="waterfall"'))
    ]
    assert chart.count("<rect") == 4
    assert "style=" not in chart
