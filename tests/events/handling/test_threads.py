"""Threads that are left behind, and those that only look so."""

import sqlite3
import threading
import time
from contextlib import suppress

import pytest
from django.db import connection, transaction

from bots.models import Bot
from events.handling.threads import HandlerThreads
from tests.factories import make_bot
from tests.services import measuring
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


@pytest.fixture
def threads():
    made = HandlerThreads("test")
    with measuring.paused():
        yield made
    made.close()


def until(condition, what: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so: {what}"
        time.sleep(0.01)


def test_job_that_is_done_is_left_without_harm_to_the_next_one(threads):
    done, release = [], threading.Event()
    first = threads.start(lambda: done.append(1))
    until(lambda: first.is_over, "the first one is done")
    second = threads.start(lambda: done.append(release.wait(PATIENCE)))
    assert second.thread is first.thread
    threads.leave(first)
    assert threads.hung == 0
    release.set()
    until(lambda: second.is_over, "the second one is done")
    assert done == [1, True]


def test_thread_between_two_jobs_holds_no_connection_that_others_could_use(threads):
    job = threads.start(Bot.objects.count)
    until(lambda: job.is_over, "the job is done")
    assert job.thread.connection.is_open is (connection.vendor == "sqlite")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL ends the transaction itself")
class TestSQLite:
    def test_job_between_two_statements_loses_its_lock_and_writes_no_more(self, threads):
        """One that swallows the interruption, too."""
        bot = make_bot(name="before")
        holds, release, outcome = threading.Event(), threading.Event(), []

        def hang():
            with transaction.atomic():
                Bot.objects.update(name="inside")
                holds.set()
                try:
                    release.wait(PATIENCE)
                except BaseException:  # noqa: BLE001 -- as bad a handler as there can be
                    outcome.append("interrupted")
                try:
                    Bot.objects.update(name="after")
                except Exception as error:  # noqa: BLE001 -- whatever it is, it is to be seen
                    outcome.append(str(error))

        job = threads.start(hang)
        assert holds.wait(PATIENCE)
        threads.leave(job)
        Bot.objects.filter(pk=bot.pk).update(name="another's")
        release.set()
        until(lambda: threads.hung == 0, "the thread has ended")
        bot.refresh_from_db()
        assert (bot.name, outcome) == ("another's", ["interrupted", "attempt to write a readonly database"])

    def test_job_within_a_long_statement_loses_its_lock(self, threads):
        begun = threading.Event()

        def hang():
            with transaction.atomic(), connection.cursor() as cursor:
                begun.set()
                cursor.execute(ENDLESS)

        job = threads.start(hang)
        assert begun.wait(PATIENCE)
        threads.leave(job)
        make_bot()
        until(lambda: threads.hung == 0, "the thread has ended")

    def test_job_that_begins_a_long_statement_when_it_was_left_comes_to_an_end(self, threads):
        holds, release = threading.Event(), threading.Event()

        def hang():
            with transaction.atomic(), connection.cursor() as cursor:
                Bot.objects.update(name="inside")
                holds.set()
                with suppress(BaseException):
                    release.wait(PATIENCE)
                cursor.execute(ENDLESS)

        make_bot()
        job = threads.start(hang)
        assert holds.wait(PATIENCE)
        threads.leave(job)
        Bot.objects.update(name="another's")  # the lock is free, so the transaction was rolled back
        release.set()
        until(lambda: threads.hung == 0, "the thread has ended")

    def test_job_with_an_open_query_loses_its_lock(self, threads):
        for _ in range(3):
            make_bot()
        begun, release = threading.Event(), threading.Event()

        def hang():
            with transaction.atomic(), connection.cursor() as cursor:
                rows = cursor.execute("SELECT id FROM bots_bot")
                rows.fetchone()
                begun.set()
                release.wait(PATIENCE)

        job = threads.start(hang)
        assert begun.wait(PATIENCE)
        threads.leave(job)
        make_bot()
        release.set()
        until(lambda: threads.hung == 0, "the thread has ended")

    def test_leaving_waits_for_nobody(self, threads):
        """The job waits for a lock that somebody else holds, inside SQLite."""
        made = make_bot()
        begun = threading.Event()
        other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        def wait():
            begun.set()
            Bot.objects.filter(pk=made.pk).update(name="late")

        job = threads.start(wait)
        assert begun.wait(PATIENCE)
        threads.leave(job)
        assert not job.is_over
        other.execute("ROLLBACK")
        other.close()
        until(lambda: threads.hung == 0, "the thread has ended")
