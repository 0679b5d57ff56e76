"""Which refusals of SQLite ask for another try; taking its write lock away is tested with the threads of handlers."""

import sqlite3

import pytest
from django.db import OperationalError, connection, transaction

from bots.models import Bot
from core.database.sqlite import is_locked
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
