"""Replays go on step by step: nothing is lost, nothing is done twice, and no faster than asked."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from bots.models import Bot
from core.access.actors import SYSTEM, Actor
from core.access.models import AuditEntry, User
from events.enums import ReplayMode, ReplayState
from events.log import replay
from events.log.criteria import EventCriteria
from events.log.replay import Progress, advance, cancel_replay, estimate, replay_event, start_replay, step
from events.models import HandlerRun, ReplayJob
from tests.events.log.replays import TYPE, handled, job_for
from tests.factories import make_operator

pytestmark = pytest.mark.usefixtures("no_broker")


def test_a_replay_takes_what_was_there_when_it_began_oldest_first(
    bot: Bot, shop: dict[str, Any], monkeypatch
) -> None:
    monkeypatch.setattr(replay, "BATCH", 2)
    events = [handled(bot).pk for _ in range(3)]
    job = job_for()
    handled(bot)
    ReplayJob.objects.update(next_step_at=timezone.now() - timedelta(seconds=5))
    step(job)
    assert (
        list(HandlerRun.objects.filter(replay=job).order_by("pk").values_list("event", flat=True))
        == events[:2]
    )
    advance(job, seconds=5)
    assert (
        list(HandlerRun.objects.filter(replay=job).order_by("pk").values_list("event", flat=True)) == events
    )
    job.refresh_from_db()
    assert (job.replayed, job.state) == (3, ReplayState.DONE)


def test_a_step_that_dies_is_taken_again_as_if_it_had_not_been(
    bot: Bot, shop: dict[str, Any], monkeypatch
) -> None:
    handled(bot)
    job = job_for()
    with monkeypatch.context() as broken:
        broken.setattr("events.log.reprocessing.insert_runs", lambda _runs: 1 / 0)
        assert advance(job, seconds=5) is Progress.WAITING
    job.refresh_from_db()
    assert job.is_open
    assert "ZeroDivisionError" in job.error
    advance(job, seconds=5)
    job.refresh_from_db()
    assert (job.replayed, job.error, HandlerRun.objects.filter(replay=job).count()) == (1, "", 1)


def test_of_two_who_take_the_same_step_one_does_it(bot: Bot, shop: dict[str, Any], monkeypatch) -> None:
    handled(bot)
    job = job_for()
    searched = replay.oldest

    def overtaken(*arguments: Any, **options: Any) -> Any:
        found = searched(*arguments, **options)
        monkeypatch.setattr(replay, "oldest", searched)
        assert step(ReplayJob.objects.get(pk=job.pk)) is Progress.ENDED
        return found

    monkeypatch.setattr(replay, "oldest", overtaken)
    assert step(job) is Progress.WAITING
    assert HandlerRun.objects.filter(replay=job).count() == 1


def test_no_more_events_a_second_than_asked(bot: Bot, shop: dict[str, Any]) -> None:
    for _ in range(5):
        handled(bot)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        job = job_for(rate=2)
        advance(job, seconds=5)
        assert HandlerRun.objects.filter(replay=job).count() == 1
        clock.shift(timedelta(seconds=1))
        advance(job, seconds=5)
        assert HandlerRun.objects.filter(replay=job).count() == 3
        clock.shift(timedelta(milliseconds=100))
        assert advance(job, seconds=5) is Progress.WAITING
        clock.shift(timedelta(seconds=1))
        assert advance(job, seconds=5) is Progress.ENDED


def test_a_pause_is_made_up_for_within_bounds(bot: Bot, shop: dict[str, Any]) -> None:
    for _ in range(13):
        handled(bot)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        job = job_for(rate=1)
        advance(job, seconds=5)
        clock.shift(timedelta(hours=1))
        advance(job, seconds=5)
        assert HandlerRun.objects.filter(replay=job).count() == 1 + replay.BURST.total_seconds()


def test_a_cancelled_replay_goes_no_further(bot: Bot, shop: dict[str, Any]) -> None:
    handled(bot)
    job = job_for()
    assert cancel_replay(job, actor=SYSTEM)
    assert advance(job, seconds=5) is Progress.ENDED
    assert not cancel_replay(job, actor=SYSTEM)
    assert HandlerRun.objects.filter(replay=job).count() == 0


def test_a_replay_is_audited_with_its_actor_its_bot_and_its_filter(bot: Bot) -> None:
    actor = Actor.command("replayevents")
    job = start_replay(
        criteria=EventCriteria(bots=(bot.pk,), event_type=TYPE), mode=ReplayMode.ALL, actor=actor
    )
    cancel_replay(job, actor=actor)
    started, cancelled = AuditEntry.objects.filter(target=f"#{job.pk}").order_by("pk")
    assert (started.action, started.actor, started.app_id) == ("replay.started", str(actor), bot.app_id)
    assert started.detail["filter"]["event_type"] == TYPE
    assert cancelled.action == "replay.cancelled"


def test_the_dry_run_counts_and_changes_nothing(bot: Bot, shop: dict[str, Any], monkeypatch) -> None:
    for _ in range(3):
        handled(bot)
    assert str(estimate(EventCriteria())) == "3"
    monkeypatch.setattr(replay, "MAX_EXPECTED", 2)
    assert str(estimate(EventCriteria())) == "2+"
    assert not HandlerRun.objects.filter(round__gt=0).exists()
    assert not ReplayJob.objects.exists()


def test_replay_of_what_failed_in_one_handler_is_for_that_handler_alone(
    bot: Bot, shop: dict[str, Any]
) -> None:
    handled(bot)
    job = job_for(EventCriteria(handler=shop["stock"]), mode=ReplayMode.ALL)
    assert (job.handlers, job.subscriptions) == ([shop["stock"]], [])


def test_one_event_is_replayed_at_once(bot: Bot, shop: dict[str, Any]) -> None:
    event = handled(bot)
    other = handled(bot)
    job = replay_event(event, mode=ReplayMode.FAILED, actor=SYSTEM, seconds=5)
    assert (job.state, job.replayed) == (ReplayState.DONE, 1)
    assert not other.handler_runs.filter(replay=job).exists()


def test_one_event_that_does_not_fit_into_the_time_is_left_to_the_workers(
    bot: Bot, shop: dict[str, Any], monkeypatch, django_capture_on_commit_callbacks
) -> None:
    notified: list[bool] = []
    monkeypatch.setattr(replay, "notify_replayer", lambda: notified.append(True))
    with django_capture_on_commit_callbacks(execute=True):
        job = replay_event(handled(bot), mode=ReplayMode.FAILED, actor=SYSTEM, seconds=0)
    assert job.is_open
    assert notified == [True]


def test_replays_stay_with_the_operator_who_is_renamed(bot: Bot) -> None:
    owner = make_operator("before")
    job = start_replay(criteria=EventCriteria(), mode=ReplayMode.ALL, actor=Actor.operator(owner))
    User.objects.filter(pk=owner.pk).update(username="after")
    owner.refresh_from_db()
    assert list(ReplayJob.objects.visible_to(owner)) == [job]
    stranger = make_operator("before")
    assert not ReplayJob.objects.visible_to(stranger).exists(), (
        "whoever takes the name takes no rights with it"
    )


def test_replay_outlives_the_operator_who_requested_it(bot: Bot) -> None:
    owner = make_operator("before")
    job = start_replay(criteria=EventCriteria(), mode=ReplayMode.ALL, actor=Actor.operator(owner))
    owner.delete()
    job.refresh_from_db()
    assert (job.operator, job.requested_by) == (None, "operator:before")
