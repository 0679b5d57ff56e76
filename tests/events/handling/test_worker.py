"""The worker: what it runs, gives up on, takes over and puts back."""

import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import DataError, OperationalError, connection
from django.utils import timezone

from bots.service import BotChanges, put_bot
from core.access.actors import SYSTEM
from core.background.retry import RetrySchedule
from events.enums import EventStatus, RunFailure, RunStatus
from events.handling import registry
from events.handling.completion import RunEnd
from events.handling.worker import MAX_HUNG, HandlerWorker
from events.models import Event, HandlerRun
from events.models.claims import LEASE
from tests.events.handler_runs import dispatched, done, stored_event, until, write
from tests.factories import make_bot, message_event
from tests.services.processes import PATIENCE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handlers")]


def test_worker_handles_what_waits_and_what_it_is_told_of(make_worker):
    registry.on("*")(lambda event, bot: None)
    before = write()
    worker = make_worker()
    until(lambda: done(before), "what waited is done")
    after = write()
    worker.wake()
    until(lambda: done(after), "what came later is done")


def test_worker_that_nobody_wakes_looks_for_itself(make_worker, settings):
    settings.SWEEP_SECONDS = 0.1
    registry.on("*")(lambda event, bot: None)
    make_worker()
    event = write()
    until(lambda: done(event), "the event is done without a hint")


def test_failed_run_is_attempted_again_when_it_is_due(make_worker, own_handlers, monkeypatch):
    monkeypatch.setattr("events.handling.execution.RETRIES", RetrySchedule((0.1,)))

    @registry.on("*")
    def work(event, bot):
        own_handlers.append("tried")
        if len(own_handlers) < 3:
            raise ValueError

    event = write()
    make_worker()
    until(lambda: done(event), "the third try succeeds")
    assert len(own_handlers) == 3


@pytest.mark.parametrize("atomic", [True, False])
def test_hung_handler_is_noted_as_such_and_delays_nobody(make_worker, gate, atomic):
    @registry.on("test.hang_v1", timeout=0.3, retries=0, atomic=atomic)
    def hang(event, bot):
        if atomic:
            bot.save()  # and so holds a lock; on SQLite, the lock of all writers
        gate.wait(PATIENCE)

    registry.on("im.message.receive_v1")(lambda event, bot: None)
    make_worker()
    hangs = message_event()
    hangs["header"]["event_type"] = "test.hang_v1"
    hanging, fine = stored_event(hangs), write()
    until(lambda: done(fine), "the other event is done")
    until(lambda: Event.objects.get(pk=hanging.pk).status == EventStatus.DEAD, "the hung one is dead")
    run = hanging.handler_runs.get()
    assert run.failure == RunFailure.TIMED_OUT
    after = write()
    until(lambda: done(after), "what comes later is done")


def test_handler_that_hangs_in_python_is_interrupted(make_worker):
    @registry.on("*", timeout=0.3, retries=0)
    def spin(event, bot):
        while True:
            with suppress(Exception):
                sum(range(100))

    worker = make_worker()
    event = write()
    until(lambda: Event.objects.get(pk=event.pk).status == EventStatus.DEAD, "it is dead")
    until(lambda: worker.hung == 0, "its thread has ended")


def test_effects_of_a_handler_past_its_time_are_undone(make_worker, gate):
    @registry.on("*", timeout=0.3, retries=0)
    def late(event, bot):
        bot.name = "changed"
        bot.save()
        gate.wait(PATIENCE)

    worker = make_worker()
    event = write()
    until(lambda: Event.objects.get(pk=event.pk).status == EventStatus.DEAD, "it is dead")
    gate.set()
    until(lambda: worker.hung == 0, "its thread has ended")
    event.bot.refresh_from_db()
    assert event.bot.name != "changed"


def test_handler_that_hangs_again_and_again_is_refused_new_threads(make_worker, gate, monkeypatch):
    monkeypatch.setattr("events.handling.execution.RETRIES", RetrySchedule((0.05,)))

    @registry.on("*", timeout=0.1, retries=1, atomic=False)
    def hang(event, bot):
        gate.wait(PATIENCE)

    worker = make_worker()
    bot = make_bot()
    events = [write(bot) for _ in range(6)]
    until(
        lambda: Event.objects.filter(status=EventStatus.DEAD).count() == len(events), "all of them are dead"
    )
    assert worker.hung <= MAX_HUNG + 6
    assert HandlerRun.objects.filter(error__contains="still hang").exists()
    assert set(HandlerRun.objects.values_list("attempts", flat=True)) == {2}


def test_stop_does_not_wait_for_hung_handlers_and_puts_back_running_ones(make_worker, gate):
    @registry.on("*", atomic=False)
    def hang(event, bot):
        gate.wait(PATIENCE)

    worker = make_worker()
    event = write()
    until(lambda: worker.busy == 1, "the handler runs")
    worker.stop(grace=0.1)
    run = event.handler_runs.get()
    assert (run.status, run.attempts, run.claim_id) == (RunStatus.PENDING, 0, None)
    gate.set()
    until(lambda: worker.hung == 0, "the thread has ended")
    run.refresh_from_db()
    assert run.status == RunStatus.PENDING


def test_lease_of_what_runs_is_renewed(make_worker, gate, monkeypatch):
    monkeypatch.setattr("events.handling.worker.RENEW_EVERY", 0.05)
    registry.on("*", atomic=False)(lambda event, bot: gate.wait(PATIENCE))
    event = write()
    worker = make_worker()
    until(lambda: worker.busy == 1, "the handler runs")
    soon = timezone.now() + timedelta(seconds=1)
    event.handler_runs.update(lease_until=soon)
    worker.wake()
    until(
        lambda: worker.wake() or event.handler_runs.get().lease_until > soon + LEASE / 2,
        "the lease is renewed",
    )


def test_run_of_a_worker_that_died_is_taken_over(make_worker):
    registry.on("*")(lambda event, bot: None)
    event = write()
    dispatched(event)
    event.handler_runs.update(
        status=RunStatus.RUNNING, lease_until=timezone.now() - timedelta(seconds=1), attempts=1
    )
    make_worker()
    until(lambda: done(event), "somebody else did it")


def test_one_bot_with_much_to_do_does_not_keep_another_waiting(make_worker):
    order = []

    @registry.on("*", atomic=False)
    def work(event, bot):
        order.append(bot.pk)
        time.sleep(0.02)

    busy, quiet = make_bot(), make_bot()
    for _ in range(300):
        write(busy)
    worker = make_worker(threads=2)
    until(lambda: len(order) > 5, "the busy bot is served")
    write(quiet)
    worker.wake()
    until(lambda: quiet.pk in order, "the quiet one is, too")
    assert order.index(quiet.pk) < 290
    until(lambda: len(order) == 301, "nothing is left")


def test_two_slow_handlers_with_long_backlogs_leave_threads_to_a_third(make_worker, gate):
    for name in ("test.first_v1", "test.second_v1"):
        registry.on(name, name=name, atomic=False, ordered_by=None, timeout=600)(
            lambda event, bot: gate.wait(300)
        )
    registry.on("im.message.receive_v1", atomic=False)(lambda event, bot: None)
    bot = make_bot()
    for number in range(40):
        slow = message_event()
        slow["header"]["event_type"] = ("test.first_v1", "test.second_v1")[number % 2]
        stored_event(slow, bot=bot)
    worker = make_worker(threads=16)
    # Five of each at least, and twelve at most where the first had its half before the second one came.
    until(lambda: worker.busy >= 10, "the slow ones have what they may have")
    quick = write(bot)
    worker.wake()
    until(lambda: done(quick), "the third one is done while both still run")
    assert 10 <= worker.busy <= 12


def test_bots_rate_is_kept(make_worker):
    started = []
    registry.on("*", atomic=False)(lambda event, bot: started.append(time.monotonic()))
    bot = make_bot(handlers_per_second=10)
    for _ in range(30):
        write(bot)
    make_worker()
    until(lambda: len(started) == 30, "all of them ran")
    # A second's worth may start at once; what is beyond has to wait.
    assert started[-1] - started[0] > 1.5


def test_rate_that_is_lifted_holds_nobody_up(make_worker):
    started = []
    registry.on("*", atomic=False)(lambda event, bot: started.append(1))
    bot = make_bot(handlers_per_second=1)
    for _ in range(20):
        write(bot)
    worker = make_worker()
    until(lambda: started, "the first one ran")
    put_bot(app_id=bot.app_id, changes=BotChanges({"handlers_per_second": 0}), actor=SYSTEM)
    until(lambda: worker.wake() or len(started) == 20, "all of them ran")


def test_two_workers_share_the_work_and_do_nothing_twice(make_worker):
    seen = []
    registry.on("*", atomic=False)(lambda event, bot: seen.append(event.pk))
    bots = [make_bot() for _ in range(4)]
    events = [write(bot) for bot in bots for _ in range(15)]
    for _ in range(2):
        make_worker(threads=4)
    until(lambda: Event.objects.filter(status=EventStatus.DONE).count() == 60, "all is done")
    assert sorted(seen) == [event.pk for event in events]


def test_worker_with_all_threads_taken_calls_for_help(make_worker, no_broker, gate):
    registry.on("*", atomic=False)(lambda event, bot: gate.wait(PATIENCE))
    write()
    make_worker(threads=1)
    until(lambda: no_broker, "it asked the others to look")


@pytest.mark.parametrize(("error", "times"), [(DataError("too long"), 1), (OperationalError("locked"), 0)])
def test_end_that_no_row_takes_is_written_with_another_error_once(error, times):
    worker = HandlerWorker()
    ends = [RunEnd(HandlerRun(pk=1), RunStatus.DEAD, error="what the handler said")]
    for _ in range(3):
        for end in ends:
            worker._end_not_written(end, error)
        ends = worker._ends.stop(seconds=0)[-1:]
    assert len(worker._ends.pending) == times


def test_read_only_handler_keeps_no_writer_waiting(make_worker, gate):
    @registry.on("*")
    def read(event, bot):
        bot.refresh_from_db()
        gate.wait(PATIENCE)

    worker = make_worker()
    write()
    until(lambda: worker.busy == 1, "the handler runs")
    began = time.monotonic()
    make_bot()
    write()
    assert time.monotonic() - began < 10


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has no such conflict")
def test_handler_whose_read_was_overtaken_by_a_writer_is_run_again_at_once(make_worker, own_handlers):
    overtaken = threading.Event()

    @registry.on("*")
    def work(event, bot):
        bot.refresh_from_db()
        own_handlers.append("run")
        if len(own_handlers) == 1:
            assert overtaken.wait(PATIENCE)
        bot.save()

    worker = make_worker()
    event = write()
    until(lambda: own_handlers, "the handler has read")
    make_bot()
    overtaken.set()
    until(lambda: done(event), "it is done")
    assert own_handlers == ["run", "run"]
    assert event.handler_runs.get().attempts == 1
    assert worker.hung == 0
