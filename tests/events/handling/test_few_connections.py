"""More handlers than connections to the database, and a database that goes away under them."""

import asyncio
import logging
import threading

import psycopg
import pytest
from django.db import OperationalError, connection

from bots.models import Bot
from core.background.retry import RetrySchedule
from core.database import pooling
from events.enums import EventStatus, RunFailure, RunStatus
from events.handling import completion, execution, registry, uncounted
from events.handling.completion import note_ends
from events.models import Event, HandlerAttempt, HandlerRun
from tests.events.handler_runs import done, stored_event, until, write
from tests.factories import make_bot, message_event
from tests.services.processes import PATIENCE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handlers")]
on_postgresql = pytest.mark.only_on("postgres")

BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
OWN = 3
"""The worker's: one claims, one notes ends, and one may be about to be opened or closed."""


def backends() -> int:
    with connection.cursor() as cursor:
        cursor.execute(BACKENDS)
        return int(cursor.fetchone()[0])


@pytest.fixture
def few(settings, monkeypatch):
    """Two connections for all handlers, and no patience for a third."""
    settings.WORKER_DATABASE_CONNECTIONS = 2
    monkeypatch.setattr(pooling, "WAIT_SECONDS", 0.3)
    monkeypatch.setattr(uncounted, "PAUSES", RetrySchedule((0.05,) * 200))


def all_done(events) -> bool:
    return not Event.objects.filter(pk__in=[event.pk for event in events]).exclude(status=EventStatus.DONE)


@on_postgresql
@pytest.mark.parametrize("atomic", [True, False])
def test_handlers_at_the_network_hold_no_connection(make_worker, gate, few, atomic):
    begun = []

    @registry.on("*", atomic=atomic)
    def talk(event, bot):
        begun.append(event.pk)
        gate.wait(PATIENCE)

    before = backends()
    worker = make_worker(threads=32)
    bots = [make_bot() for _ in range(8)]
    for _ in range(4):
        for bot in bots:
            write(bot)
    worker.wake()
    until(lambda: len(begun) >= 16, "many run")
    assert backends() <= before + OWN


@on_postgresql
def test_async_handlers_that_have_asked_nothing_hold_no_connection(make_worker, few):
    begun, go = [], threading.Event()

    @registry.on("*")
    async def talk(event, bot):
        begun.append(event.pk)
        while not go.is_set():
            await asyncio.sleep(0.01)

    before = backends()
    worker = make_worker(threads=32)
    bots = [make_bot() for _ in range(8)]
    events = [write(bot) for bot in bots for _ in range(2)]
    worker.wake()
    until(lambda: len(begun) >= 12, "many run")
    held = backends()
    go.set()
    assert held <= before + OWN
    until(lambda: all_done(events), "all are done")


@on_postgresql
def test_handlers_that_wait_for_a_connection_lose_no_attempt_and_no_time(make_worker, few, own_handlers):
    release, inside = threading.Event(), threading.Semaphore(0)

    @registry.on("*", timeout=0.5, retries=0)
    def count(event, bot):
        Bot.objects.count()
        inside.release()

    holders = []

    def hold():
        pooled = pooling.PooledConnection(2)
        Bot.objects.count()
        holders.append(pooled)
        release.wait(PATIENCE)
        connection.close()
        pooled.leave()

    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: len(holders) == 2, "the pool is empty")
    events = [write() for _ in range(3)]
    make_worker(threads=8)
    until(
        lambda: HandlerRun.objects.filter(status=RunStatus.PENDING, attempts=0, claim_id=None).exists(),
        "a run was put off",
    )
    assert not HandlerRun.objects.filter(attempts__gt=1).exists()
    release.set()
    for thread in threads:
        thread.join()
    until(lambda: all_done(events), "all are done")
    assert set(HandlerRun.objects.values_list("attempts", "failure")) == {(1, "")}
    assert HandlerAttempt.objects.count() == len(events)


@on_postgresql
def test_thread_that_hangs_with_a_connection_costs_the_others_none(make_worker, gate, settings):
    settings.WORKER_DATABASE_CONNECTIONS = 1

    @registry.on("test.hang_v1", timeout=0.3, retries=0, atomic=False)
    def hang(event, bot):
        Bot.objects.count()
        gate.wait(PATIENCE)

    registry.on("im.message.receive_v1")(lambda event, bot: Bot.objects.count())
    make_worker(threads=8)
    hangs = message_event()
    hangs["header"]["event_type"] = "test.hang_v1"
    hung = stored_event(hangs)
    until(lambda: Event.objects.get(pk=hung.pk).status == EventStatus.DEAD, "it is given up")
    after = write()
    until(lambda: done(after), "another one has a connection")


def away() -> OperationalError:
    try:
        try:
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        except psycopg.Error as error:
            raise OperationalError(str(error)) from error
    except OperationalError as error:
        return error


def test_end_that_cannot_be_noted_is_noted_later_and_the_handler_runs_once(
    make_worker, monkeypatch, own_handlers
):
    failures = []

    def flaky(ends, **options):
        if len(failures) < 3:
            failures.append(len(ends))
            raise away()
        return note_ends(ends, **options)

    monkeypatch.setattr("core.background.commit_thread.AGAIN_SECONDS", 0.05)
    monkeypatch.setattr("events.handling.worker.note_ends", flaky)
    registry.on("*", atomic=False)(lambda event, bot: own_handlers.append(event.pk))
    event = write()
    make_worker()
    until(lambda: done(event), "its end is noted")
    assert (len(failures), own_handlers) == (3, [event.pk])
    assert event.handler_runs.get().attempts == 1


def test_end_in_the_handlers_own_transaction_that_fails_is_no_attempt_of_the_handler(
    make_worker, monkeypatch, own_handlers, caplog
):
    monkeypatch.setattr(uncounted, "PAUSES", RetrySchedule((0.05,) * 20))
    complete = completion.complete

    def flaky(ends):
        if len(own_handlers) < 4:
            raise away()
        return complete(ends)

    monkeypatch.setattr(execution, "complete", flaky)

    @registry.on("*", retries=0)
    def work(event, bot):
        Bot.objects.count()
        own_handlers.append(event.pk)

    event = write()
    with caplog.at_level(logging.INFO):
        make_worker()
        until(lambda: done(event), "it is done in the end")
    run = event.handler_runs.get()
    assert (len(own_handlers), run.attempts, run.failure) == (4, 1, "")
    assert [entry for entry in caplog.records if entry.exc_info] == []
    assert "handler_without_database" in caplog.text


def test_handler_under_which_the_database_always_goes_away_ends_with_that_reason(
    make_worker, monkeypatch, own_handlers
):
    monkeypatch.setattr(uncounted, "PAUSES", RetrySchedule((0.02, 0.02)))

    @registry.on("*", retries=0)
    def crash(event, bot):
        own_handlers.append(event.pk)
        raise away()

    event = write()
    make_worker()
    until(lambda: Event.objects.get(pk=event.pk).status == EventStatus.DEAD, "it is dead")
    run = event.handler_runs.get()
    assert (len(own_handlers), run.attempts, run.failure) == (3, 1, RunFailure.RAISED)
    assert "server closed the connection" in run.error


@on_postgresql
def test_connection_lost_under_a_handler_is_no_attempt_of_it(make_worker, monkeypatch, own_handlers):
    monkeypatch.setattr(uncounted, "PAUSES", RetrySchedule((0.05,) * 20))

    @registry.on("*", retries=0)
    def work(event, bot):
        own_handlers.append(event.pk)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [pid] = cursor.fetchone()
        if len(own_handlers) == 1:
            terminate(pid)
            Bot.objects.count()

    event = write()
    make_worker()
    until(lambda: done(event), "it is done")
    assert (len(own_handlers), event.handler_runs.get().attempts) == (2, 1)


def terminate(pid: int) -> None:
    """From a connection of its own."""

    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
