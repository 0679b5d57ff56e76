import io
import threading

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import OperationalError, connection

from feishu_portal.management.commands import migrate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("postgres")]


@pytest.fixture
def reader():
    """A session that has read the table and not ended its transaction, as pg_dump does."""
    to = connection.get_connection_params()
    known = {name: to[name] for name in ("host", "port", "user", "password", "dbname") if to.get(name)}
    with psycopg.connect(**known, application_name="analyst") as session:
        session.execute("SELECT 1 FROM access_keycanary")
        yield session


@pytest.fixture(autouse=True)
def hurried(monkeypatch, settings):
    settings.MIGRATE_LOCK_SECONDS = 0.2
    monkeypatch.setattr(migrate, "PAUSE", 0.0)


@pytest.fixture
def statements(monkeypatch) -> list[str]:
    """What migrating does, in the place of migrations: a lock that no reader shares."""
    done: list[str] = []

    def handle(_self, *_args, **_options):
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            done.append(cursor.fetchone()[0])
            cursor.execute("BEGIN; LOCK TABLE access_keycanary IN ACCESS EXCLUSIVE MODE; COMMIT")

    monkeypatch.setattr(MigrateCommand, "handle", handle)
    return done


def run() -> str:
    errors = io.StringIO()
    call_command("migrate", verbosity=0, stderr=errors)
    return errors.getvalue()


def test_table_that_nobody_holds_is_locked_at_once_and_no_limit_stays(statements):
    assert run() == ""
    assert statements == ["200ms"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone()[0] == "0"


def test_reader_that_stays_ends_the_attempts_and_is_named(monkeypatch, statements, reader):
    monkeypatch.setattr(migrate, "ATTEMPTS", 3)
    with pytest.raises(CommandError, match=r"(?s)locked by another session.*analyst: idle in transaction"):
        run()
    assert len(statements) == 3


def test_reader_that_ends_is_waited_for(monkeypatch, statements, reader):
    ends = threading.Timer(0, reader.rollback)
    monkeypatch.setattr(migrate.time, "sleep", lambda _seconds: (ends.start(), ends.join()))
    assert "Trying again" in run()
    assert len(statements) == 2


def test_other_errors_are_not_repeated(monkeypatch):
    def handle(_self, *_args, **_options):
        raise OperationalError("the disk is full")

    monkeypatch.setattr(MigrateCommand, "handle", handle)
    with pytest.raises(OperationalError, match="full"):
        run()


def test_real_migrations_run():
    assert run() == ""


def test_pooler_by_transaction_is_told_nothing_for_the_session(settings, statements):
    settings.POOLER = "transaction"
    assert "pooler" in run()
    assert statements == ["0"]
