"""Which refusals of SQLite ask for another try, and who writes first; taking its write lock away is tested with the threads
of handlers."""

import sqlite3
import threading
from contextlib import ExitStack

import pytest
from django.db import OperationalError, connection, transaction

from bots.models import Bot
from core.database import sqlite
from core.database.sqlite import BatchSize, WriteTurns, is_locked
from core.database.transactions import bounded_transaction
from tests.factories import make_bot

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.only_on("sqlite")
def test_write_after_a_read_that_another_connection_overtook_is_locked():
    bot = make_bot()
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    try:
        with bounded_transaction(5):
            bot.refresh_from_db()
            other.execute("UPDATE bots_bot SET name = 'overtook'")
            with pytest.raises(OperationalError) as raised:
                Bot.objects.update(name="late")
    finally:
        other.close()
    assert is_locked(raised.value)


@pytest.mark.only_on("sqlite")
def test_transaction_that_begins_with_the_write_lock_is_overtaken_by_nobody():
    bot = make_bot()
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=0)
    try:
        with bounded_transaction(5, with_write_lock=True):
            bot.refresh_from_db()
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("UPDATE bots_bot SET name = 'overtook'")
            Bot.objects.update(name="in time")
    finally:
        other.close()
    bot.refresh_from_db()
    assert bot.name == "in time"


def test_other_errors_are_no_locks():
    with pytest.raises(Exception, match="no_such") as raised, connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column")
    assert not is_locked(raised.value)
    assert not is_locked(OperationalError("database is locked"))


@pytest.mark.only_on("sqlite")
def test_other_transactions_begin_as_the_settings_say():
    with bounded_transaction(5):
        pass
    with transaction.atomic():
        assert connection.transaction_mode == "IMMEDIATE"


@pytest.mark.only_on("postgres")
def test_postgresql_ends_a_bounded_transaction_that_takes_too_long():
    with (
        pytest.raises(OperationalError, match="statement timeout"),
        bounded_transaction(0.1),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(5)")


# --- turns


@pytest.fixture
def begun():
    """Starts a thread that enters a context manager; an event that is set as soon as it is inside. It leaves at once."""
    with ExitStack() as threads:

        def begin(make) -> threading.Event:
            inside = threading.Event()

            def enter() -> None:
                with make():
                    inside.set()
                connection.close()

            thread = threading.Thread(target=enter)
            thread.start()
            threads.callback(thread.join, 10)
            return inside

        yield begin


@pytest.fixture
def turns(monkeypatch) -> WriteTurns:
    """Whose waits end by being told: none of these tests waits for the bound."""
    monkeypatch.setattr(sqlite, "TURN_SECONDS", 10)
    return WriteTurns()


@pytest.mark.only_on("sqlite")
def test_background_work_begins_when_arrivals_have_written(turns, begun):
    with turns.first():
        background = begun(turns.behind)
        assert not background.wait(0.05)
    assert background.wait(10)


@pytest.mark.only_on("sqlite")
def test_arrivals_begin_as_soon_as_background_work_has_written(turns, begun):
    with turns.behind():
        arrival, other = begun(turns.first), begun(turns.behind)
        assert not arrival.wait(0.05)
    assert arrival.wait(10)
    assert other.wait(10)


@pytest.mark.only_on("sqlite")
def test_nobody_waits_for_ever(turns, begun, monkeypatch):
    monkeypatch.setattr(sqlite, "TURN_SECONDS", 0.01)
    with turns.behind():
        assert begun(turns.first).wait(10)
        assert begun(turns.behind).wait(10)
    with turns.first():
        assert begun(turns.behind).wait(10)


@pytest.mark.only_on("postgres")
def test_on_postgresql_nobody_waits(turns, begun):
    with turns.first(), turns.behind():
        assert begun(turns.first).wait(10)
        assert begun(turns.behind).wait(10)


@pytest.mark.only_on("sqlite")
def test_background_work_writes_less_at_once_while_arrivals_wait(turns, begun):
    at_leisure = turns.seconds
    with turns.behind():
        arrival = begun(turns.first)
        assert not arrival.wait(0.05)
        assert turns.seconds < at_leisure


# --- rows of a transaction


def test_batch_grows_until_it_takes_as_long_as_it_may():
    size = BatchSize(most=1_000)
    for _ in range(20):
        size.note(size.rows, seconds=size.rows * 0.0001)
    assert size.rows == pytest.approx(sqlite.WRITE_TURNS.seconds / 0.0001, rel=0.05)


def test_batch_shrinks_where_rows_take_long_and_grows_no_further_than_its_limit():
    size = BatchSize(most=100)
    for _ in range(20):
        size.note(size.rows, seconds=1.0)
    assert size.rows == sqlite.LEAST_BATCH
    for _ in range(20):
        size.note(size.rows, seconds=0.0)
    assert size.rows == 100


def test_few_rows_say_nothing_about_many():
    size = BatchSize(most=1_000)
    size.note(1, seconds=0.02)
    size.note(0, seconds=0.02)
    assert size.rows == sqlite.LEAST_BATCH
