"""What the sweep asks others for; the rest of it has tests where its functions are."""

from functools import partial

import pytest
from django.utils import timezone

from events import tasks
from events.enums import EventStatus, RunStatus
from events.models import Event, HandlerRun
from events.tasks import sweep
from tests.events.log.replays import job_for
from tests.events.log.rows import make_event
from tests.factories import make_bot


@pytest.fixture
def notified(monkeypatch, idle_worker) -> list[str]:
    """Notifications of the replayer."""
    notified: list[str] = []
    monkeypatch.setattr("events.tasks.notify_replayer", lambda: notified.append("replay"))
    return notified


@pytest.mark.django_db
def test_sweep_has_replays_go_on_for_as_long_as_one_is_open(notified):
    sweep()
    assert notified == []
    job = job_for()
    sweep()
    assert notified == ["replay"]
    job.delete()
    sweep()
    assert notified == ["replay"]


@pytest.mark.django_db
def test_sweep_looks_only_for_what_there_is(notified, monkeypatch):
    looked: list[str] = []
    for name in ("promote_queued", "end_lost_clicks", "make_known_due", "end_unknown"):
        monkeypatch.setattr(tasks, name, partial(looked.append, name))
    bot = make_bot()
    event = make_event(bot, status=EventStatus.DONE)
    run = HandlerRun.objects.create(event=event, bot=bot, handler="shop", status=RunStatus.DEAD)
    sweep()
    assert looked == []
    for status, unknown_since, sought in (
        (RunStatus.QUEUED, None, ["promote_queued"]),
        (RunStatus.PENDING, timezone.now(), ["make_known_due", "end_unknown"]),
        (RunStatus.RETRYING, timezone.now(), ["make_known_due", "end_unknown"]),
    ):
        HandlerRun.objects.filter(pk=run.pk).update(status=status, unknown_since=unknown_since)
        sweep()
        assert looked == sought
        looked.clear()
    HandlerRun.objects.all().delete()
    Event.objects.update(status=EventStatus.DISPATCHED)
    sweep()
    assert looked == ["end_lost_clicks"]
