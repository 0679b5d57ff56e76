"""Who copies SQLite's log into the database: the thread, so that those who commit do not wait for it."""

import threading

import pytest
from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper

from bots.models import Bot
from core.database import checkpoints as module
from core.database.checkpoints import MOST_PAGES, checkpoints
from core.database.connections import close_own
from tests.factories import make_bot
from tests.services.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 20_000
"""Some 1,000 pages: so many let SQLite make a checkpoint with the commit that follows."""


def state(pragma: str) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {pragma}")
        return tuple(cursor.fetchone())


def write_much() -> None:
    """More than SQLite lets the log grow to."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE filled (text varchar(300))")
        cursor.execute(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < %s)"
            " INSERT INTO filled SELECT hex(randomblob(120)) FROM n",
            [ROWS],
        )


@pytest.fixture
def filled():
    yield
    close_own()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS filled")


@pytest.fixture
def copied(monkeypatch) -> list[tuple[int, ...]]:
    """What the thread's checkpoints came to: whether somebody was in their way, pages in the log, pages copied."""
    seen: list[tuple[int, ...]] = []
    execute = CursorWrapper.execute

    def noting(self, sql, params=None):
        result = execute(self, sql, params)
        if "wal_checkpoint" in sql:
            seen.append(tuple(execute(self, sql, params).fetchone()))
        return result

    monkeypatch.setattr(CursorWrapper, "execute", noting)
    return seen


@pytest.mark.only_on("sqlite")
@pytest.mark.usefixtures("filled")
def test_thread_copies_what_was_committed(copied):
    close_own()
    with checkpoints(every=0.01):
        write_much()
        wait_until(lambda: any(pages > 1_000 and done == pages for _, pages, done in copied), what="copy")
    assert "sqlite-checkpoints" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.only_on("sqlite")
def test_connections_leave_it_to_the_thread_while_there_is_one():
    make_bot()
    close_own()
    assert state("wal_autocheckpoint") == (1_000,)
    close_own()
    with checkpoints():
        assert state("wal_autocheckpoint") == (MOST_PAGES,)
    close_own()
    assert state("wal_autocheckpoint") == (1_000,)


@pytest.mark.only_on("sqlite")
def test_checkpoint_that_fails_is_logged_and_made_again(monkeypatch, caplog):
    refused, execute = threading.Event(), CursorWrapper.execute

    def refusing(self, sql, params=None):
        if "wal_checkpoint" in sql and not refused.is_set():
            refused.set()
            raise DatabaseError("disk I/O error")
        return execute(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", refusing)
    with checkpoints(every=0.01):
        wait_until(lambda: "checkpoint_failed" in caplog.messages, what="log line")
        wait_until(lambda: "checkpoint_failed_over" in caplog.messages, what="end of the outage")


@pytest.mark.only_on("postgres")
def test_postgresql_makes_its_own(monkeypatch):
    monkeypatch.setattr(module, "_run", lambda *_: pytest.fail("A thread was started"))
    with checkpoints():
        assert Bot.objects.count() == 0
