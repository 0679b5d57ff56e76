"""One message asks for the sweeps of all apps; tests/processes has them run by real workers."""

import pytest

from core.installation.standing import ACTIVE, Cause, Standing
from core.installation.watch import watch
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

    made = {"test.fails": fail, "test.works": work}
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
    assert tasks == ["fails", "works"]


def test_each_sweep_has_a_last_pass_of_its_own(tasks):
    sweep()
    assert value("feishu_last_pass_timestamp_seconds", "test.works") > 0
    assert value("feishu_last_pass_timestamp_seconds", "test.fails") == 0
    assert value("feishu_task_failures_total", "test.fails") > 0


def test_portal_that_is_passive_sweeps_nothing(tasks):
    watch.pin(Standing(Cause.SETTING))
    try:
        sweep()
    finally:
        watch.pin(ACTIVE)
    assert tasks == []
