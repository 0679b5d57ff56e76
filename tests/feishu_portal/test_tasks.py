"""One message asks for the sweeps of all apps; tests/processes has them run by real workers."""

from types import SimpleNamespace

import pytest
from django.db import connection

import auth_sessions.tasks
import events.tasks
import feishu_portal.alerts.tasks
import feishu_portal.approvals.tasks
from core.installation.state import ACTIVE, Cause, PortalState
from core.installation.watch import watch
from events.subscriptions import push
from feishu_portal.celery import app
from feishu_portal.runtime.metrics import tasks as counting
from feishu_portal.tasks import sweep
from tests.core.metrics.scraping import value


@pytest.fixture
def tasks(settings):
    """Tasks that take the places of the sweeps: one that fails, and one that works."""
    ran: list[str] = []

    def fail() -> None:
        ran.append("fails")
        raise ValueError

    def work() -> None:
        ran.append("works")

    def leave_it() -> bool:
        ran.append("leaves it")
        return False

    made = {"test.fails": fail, "test.works": work, "test.leaves_it": leave_it}
    for name, function in made.items():
        app.task(function, name=name)
    settings.SWEEPS = tuple(made)
    yield ran
    for name in made:
        app.tasks.pop(name)
    for metric in (counting._passed, counting._failed):
        metric.clear()


def test_everything_that_is_scheduled_is_a_task(settings):
    app.loader.import_default_modules()
    assert [
        name for name in (*settings.SWEEPS, *settings.CELERY_BEAT_SCHEDULE) if name not in app.tasks
    ] == []


def test_sweep_that_fails_keeps_none_of_the_others(tasks):
    sweep()
    assert tasks == ["fails", "works", "leaves it"]


def test_each_sweep_has_a_last_pass_of_its_own(tasks):
    sweep()
    assert value("feishu_last_pass_timestamp_seconds", "test.works") > 0
    assert value("feishu_last_pass_timestamp_seconds", "test.fails") == 0
    assert value("feishu_last_pass_timestamp_seconds", "test.leaves_it") == 0
    assert value("feishu_task_failures_total", "test.fails") > 0


def test_portal_that_is_passive_sweeps_nothing(tasks):
    watch.pin(PortalState(Cause.SETTING))
    try:
        sweep()
    finally:
        watch.pin(ACTIVE)
    assert tasks == []


@pytest.mark.django_db
def test_sweeps_that_have_nothing_to_do_ask_one_question_each(monkeypatch, django_assert_num_queries):
    idle = SimpleNamespace(wake=lambda: None)
    monkeypatch.setattr("events.handling.worker.current", lambda: idle)
    monkeypatch.setattr("events.subscriptions.pusher.current", lambda: idle)
    for module in (
        events.tasks,
        auth_sessions.tasks,
        feishu_portal.alerts.tasks,
        feishu_portal.approvals.tasks,
    ):
        with django_assert_num_queries(1):
            module.sweep()
    with django_assert_num_queries(1):
        events.tasks.sweep_deliveries()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "left",
    [
        events.tasks._LEFT,
        auth_sessions.tasks._LEFT,
        feishu_portal.alerts.tasks._LEFT,
        feishu_portal.approvals.tasks._LEFT,
        push.WAITING,
        push._ABANDONED,
    ],
)
def test_question_has_an_index_for_each_of_its_parts(left):
    """In the order of which it looks, so that it need not be told how rare a row is."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has other plans")
    sql, parameters = left._written
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off"
        )
        cursor.execute(f"EXPLAIN (COSTS OFF) {sql}", parameters)
        plan = [line for (line,) in cursor.fetchall()]
    assert not [line for line in plan if "Sort" in line or "Seq Scan" in line], plan
    assert [line for line in plan if " using " in line]
