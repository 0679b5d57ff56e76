"""Runs of handlers that one worker does not know wait for another that does, and end after a day."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events.enums import EventStatus, RunFailure, RunStatus
from events.handling import registry
from events.handling.claims import claim_abandoned
from events.handling.concurrency import ConcurrencyLimit
from events.handling.scheduler import waiting_bots
from events.handling.unknown import end_unknown, make_known_due
from events.models import HandlerRun
from tests.events.handler_runs import dispatched, execute, run_due, scheduled, stored_event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]

TYPE = "im.message.receive_v1"


@pytest.fixture
def forget(monkeypatch):
    """Make this process one in which no handler is installed, or only those that are registered from now on."""
    return lambda: monkeypatch.setattr(registry, "_registry", registry.HandlerRegistry())


@pytest.fixture
def waiting(forget) -> HandlerRun:
    """A run that another worker made, for a handler that only it knows."""
    registry.on(TYPE, name="new", ordered_by=None)(lambda event, bot: None)
    [made] = dispatched(stored_event())
    forget()
    return made


def test_unknown_handler_waits_and_no_attempt_is_counted(waiting):
    assert run_due(waiting.bot) == []
    waiting.refresh_from_db()
    assert (waiting.status, waiting.attempts, waiting.failure) == (
        RunStatus.PENDING,
        0,
        RunFailure.NOT_INSTALLED,
    )
    assert waiting.run_at > timezone.now() + timedelta(minutes=1)


def test_worker_that_does_not_know_it_is_not_kept_busy_by_it(waiting):
    run_due(waiting.bot)
    assert waiting_bots() == []


def test_known_handlers_behind_unknown_ones_run_in_the_same_turn(waiting, own_handlers):
    registry.on(TYPE, name="old", ordered_by=None)(lambda event, bot: own_handlers.append("ran"))
    for _ in range(3):
        dispatched(stored_event(bot=waiting.bot))
    scheduled([waiting.bot], most=1, limit=ConcurrencyLimit(8), pass_full=False)
    assert HandlerRun.objects.filter(handler="old", status=RunStatus.RUNNING).count() == 1


def test_worker_that_knows_it_runs_it_at_its_next_sweep(waiting, own_handlers):
    run_due(waiting.bot)
    registry.on(TYPE, name="new", ordered_by=None)(lambda event, bot: own_handlers.append("ran"))
    assert make_known_due() == 1
    run_due(waiting.bot)
    assert own_handlers == ["ran"]
    waiting.refresh_from_db()
    assert (waiting.status, waiting.failure, waiting.unknown_since) == (RunStatus.SUCCEEDED, "", None)


def test_sweep_leaves_alone_what_it_does_not_know(waiting):
    run_due(waiting.bot)
    assert make_known_due() == end_unknown() == 0


def test_after_a_day_it_is_dead_with_its_reason(waiting):
    run_due(waiting.bot)
    HandlerRun.objects.update(unknown_since=timezone.now() - timedelta(days=1, minutes=1))
    assert end_unknown() == 1
    waiting.refresh_from_db()
    assert (waiting.status, waiting.failure) == (RunStatus.DEAD, RunFailure.NOT_INSTALLED)
    assert "for a day" in waiting.error
    waiting.event.refresh_from_db()
    assert waiting.event.status == EventStatus.DEAD


def test_day_is_counted_from_the_first_worker_that_did_not_know_it(waiting):
    run_due(waiting.bot)
    first = HandlerRun.objects.get().unknown_since
    HandlerRun.objects.update(run_at=timezone.now())
    run_due(waiting.bot)
    assert HandlerRun.objects.get().unknown_since == first


def test_worker_that_knows_it_does_not_end_it_after_a_day(waiting):
    run_due(waiting.bot)
    HandlerRun.objects.update(unknown_since=timezone.now() - timedelta(days=2))
    registry.on(TYPE, name="new")(lambda event, bot: None)
    assert end_unknown() == 0


def test_run_whose_worker_died_is_put_back_by_one_that_does_not_know_its_handler(waiting):
    lease_until = timezone.now() - timedelta(minutes=1)
    HandlerRun.objects.update(status=RunStatus.RUNNING, attempts=1, lease_until=lease_until)
    abandoned = claim_abandoned(ConcurrencyLimit(8))
    assert abandoned is not None
    execute(abandoned.runs[0])
    waiting.refresh_from_db()
    assert (waiting.status, waiting.attempts) == (RunStatus.PENDING, 1)
