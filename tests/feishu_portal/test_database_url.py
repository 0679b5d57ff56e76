import sqlite3
from contextlib import closing

import pytest

from feishu_portal.database_url import application_name, database, database_url
from feishu_portal.variables import WrongValueError

POSTGRES = "postgres://u:p@db/portal?sslmode=require&options=-c%20search_path%3Dportal"


def test_server_that_vanishes_is_noticed_in_seconds():
    options = database(POSTGRES, connections=None)["OPTIONS"]
    assert options["connect_timeout"] <= 5
    assert options["tcp_user_timeout"] <= 15_000
    assert options["keepalives_idle"] + options["keepalives_interval"] * options["keepalives_count"] <= 15


def test_options_of_the_address_are_kept_and_commits_are_durable():
    options = database(POSTGRES, connections=None)["OPTIONS"]
    assert options["sslmode"] == "require"
    assert options["options"] == "-c search_path=portal -c synchronous_commit=on -c feishu_portal.direct=on"


@pytest.mark.parametrize("pooler", ["session", "transaction"])
def test_pooler_gets_no_options_but_the_operators_own(pooler):
    assert "options" not in database("postgres://u:p@db/portal", connections=None, pooler=pooler)["OPTIONS"]
    options = database(POSTGRES, connections=None, pooler=pooler)["OPTIONS"]
    assert options["options"] == "-c search_path=portal"


def test_nothing_is_prepared_or_declared_where_the_next_transaction_has_another_session():
    config = database(f"{POSTGRES}&prepare_threshold=3", connections=None, pooler="transaction")
    assert config["OPTIONS"]["prepare_threshold"] is None
    assert config["DISABLE_SERVER_SIDE_CURSORS"] is True
    config = database(POSTGRES, connections=None, pooler="session")
    assert config["OPTIONS"]["prepare_threshold"] == 5


@pytest.mark.parametrize(
    ("written", "threshold"), [("None", None), ("none", None), ("0", 0), ("1000000000", 10**9)]
)
def test_address_may_say_that_nothing_is_prepared(written, threshold):
    config = database(f"postgres://db/portal?prepare_threshold={written}", connections=None)
    assert config["OPTIONS"]["prepare_threshold"] == threshold


def test_process_opens_no_more_connections_than_it_may():
    pool = database(POSTGRES, connections=1)["OPTIONS"]["pool"]
    assert (pool["min_size"], pool["max_size"]) == (1, 1)


def test_process_without_a_limit_opens_a_connection_for_each_thread():
    assert "pool" not in database(POSTGRES, connections=None)["OPTIONS"]


def test_commits_to_sqlite_are_durable(tmp_path):
    command = database(f"sqlite:///{tmp_path}/portal.sqlite3", connections=None)["OPTIONS"]["init_command"]
    with closing(sqlite3.connect(tmp_path / "portal.sqlite3", isolation_level=None)) as connection:
        connection.executescript(command)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_sqlite_has_nothing_to_share():
    assert "pool" not in database("sqlite:////nowhere/portal.sqlite3", connections=20)["OPTIONS"]


@pytest.mark.parametrize(
    "url",
    [
        POSTGRES, "postgresql://db/portal", "pgsql://u:p%40ss%2Fword@[::1]:5433/portal",
        "postgres:////var/run/postgresql/portal", "sqlite://:memory:",
        "postgres://portal@db1:5432,db2:5433/portal?target_session_attrs=read-write&sslmode=verify-full",
    ],
)  # fmt: skip
def test_address_of_a_database_is_taken(url):
    assert database_url(url) == url


def test_sqlite_file_in_a_folder_that_exists_is_taken(tmp_path):
    url = f"sqlite:///{tmp_path}/portal.sqlite3"
    assert database_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "rubbish", "postgres", "postgres:portal", "://u:p@db/portal", "mysql://u:p@db/portal", "postgres://u:p@db",
        "postgres://u:p@db:port/portal", "postgres://u:pass/word@db/portal", "postgres://[::1/portal",
        "sqlite://portal.sqlite3", "sqlite://",
    ],
)  # fmt: skip
def test_what_is_not_the_address_of_a_database_is_refused(url):
    with pytest.raises(
        WrongValueError, match=r"^has to be postgres://user:password@host:port/name or sqlite:"
    ):
        database_url(url)


def test_sqlite_file_that_cannot_be_opened_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "nowhere" / "portal.sqlite3", tmp_path / "file" / "portal.sqlite3", tmp_path):
        with pytest.raises(WrongValueError, match="names an SQLite file"):
            database_url(f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("manage.py runfeishu --node a", "feishu-portal runfeishu"),
        ("/srv/.venv/bin/uvicorn feishu_portal.asgi:application --port 8000", "feishu-portal web"),
        ("/srv/.venv/bin/celery -A feishu_portal worker --concurrency 2", "feishu-portal worker"),
        (
            "/srv/.venv/bin/celery -A feishu_portal worker -Q token_refresh --pool threads",
            "feishu-portal refresher",
        ),
        ("/srv/.venv/bin/celery -A feishu_portal beat", "feishu-portal beat"),
        ("-c", "feishu-portal"),
        ("", "feishu-portal"),
        (f"manage.py {'x' * 100}", f"feishu-portal {'x' * 49}"),
    ],
)
def test_sessions_are_named_by_their_process(command, name):
    assert application_name(command.split()) == name


def test_name_in_the_address_wins():
    options = database("postgres://db/portal?application_name=mine", connections=None)["OPTIONS"]
    assert options["application_name"] == "mine"
