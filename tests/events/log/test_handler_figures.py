"""What handlers did in the past day, from the newest events alone."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.enums import EventStatus, RunStatus
from events.log import handler_figures as module
from events.log.handler_figures import handler_figures
from events.models import Event, HandlerRun
from tests.events.handler_runs import stored_event
from tests.events.handling.test_plans import analyze, fill, plans
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db


def run(
    event: Event, handler: str = "h", status: RunStatus = RunStatus.SUCCEEDED, *, took: int = 10
) -> HandlerRun:
    start = timezone.now()
    return HandlerRun.objects.create(
        event=event, bot=event.bot, handler=handler, status=status, started_at=start,
        finished_at=start + timedelta(milliseconds=took), error="ValueError: oh no" if status == RunStatus.DEAD else "",
    )  # fmt: skip


def test_runs_are_counted_by_outcome_with_the_time_that_nearly_all_keep():
    admin, bot = make_operator(superuser=True), make_bot()
    for took in range(1, 21):
        run(stored_event(bot=bot), took=took)
    dead = run(stored_event(bot=bot), status=RunStatus.DEAD, took=5)
    run(stored_event(bot=bot), status=RunStatus.PENDING)
    run(stored_event(bot=bot), handler="other", status=RunStatus.SKIPPED)
    figures = handler_figures(admin)
    one = figures.by_handler["h"]
    assert (one.succeeded, one.failed, one.under_way) == (20, 1, 1)
    assert one.p95 == timedelta(milliseconds=19)
    assert one.last_dead == dead
    other = figures.by_handler["other"]
    assert (other.succeeded, other.failed, other.under_way, other.p95) == (0, 0, 0, None)
    assert not figures.is_cut


def test_runs_of_yesterday_and_of_bots_of_others_do_not_count():
    owner, bot = make_operator(), make_bot()
    assert handler_figures(owner).by_handler == {}
    bot.owners.add(owner)
    old = stored_event(bot=bot)
    Event.objects.filter(pk=old.pk).update(received_at=timezone.now() - timedelta(hours=25))
    dead = run(old, status=RunStatus.DEAD)
    run(stored_event(bot=make_bot()), handler="theirs", status=RunStatus.DEAD)
    assert set(handler_figures(owner).by_handler) == {"h"}
    found = handler_figures(owner).by_handler["h"]
    assert (found.failed, found.last_dead) == (0, dead)


def test_what_a_replay_replaced_does_not_count():
    admin = make_operator(superuser=True)
    event = stored_event()
    HandlerRun.objects.filter(pk=run(event, status=RunStatus.DEAD).pk).update(is_current=False)
    HandlerRun.objects.filter(pk=run(event, "again").pk).update(round=1)
    assert set(handler_figures(admin).by_handler) == {"again"}


def test_only_the_newest_events_are_looked_at(monkeypatch):
    admin, bot = make_operator(superuser=True), make_bot()
    for _ in range(4):
        run(stored_event(bot=bot))
    monkeypatch.setattr(module, "NEWEST", 3)
    figures = handler_figures(admin)
    assert (figures.by_handler["h"].succeeded, figures.is_cut) == (3, True)


def test_queries_are_as_many_for_many_as_for_one():
    admin, bot = make_operator(superuser=True), make_bot()
    taken = []
    for number in range(2):
        for handler in ("a", "b", f"c{number}"):
            run(stored_event(bot=bot), handler, RunStatus.DEAD)
        with CaptureQueriesContext(connection) as queries:
            handler_figures(admin)
        taken.append(len(queries))
    assert taken[0] == taken[1]


@pytest.mark.only_on("postgres")
@pytest.mark.parametrize("who", ["superuser", "owner"])
def test_no_plan_reads_a_large_table_from_end_to_end(who: str):
    operator, bot = make_operator(superuser=who == "superuser"), make_bot()
    bot.owners.add(operator)
    fill([bot], status=EventStatus.DONE, run_status=RunStatus.SUCCEEDED)
    analyze()
    with plans() as seen:
        handler_figures(operator)
    assert len(seen) >= 3
    assert {sql[:300]: tables for sql, tables in seen.items() if tables} == {}
