from pathlib import Path

import pytest

from feishu_portal.environment import database


@pytest.fixture(autouse=True)
def address(monkeypatch) -> None:
    monkeypatch.setenv(
        "DATABASE_URL", "postgres://u:p@db/portal?sslmode=require&options=-c%20search_path%3Dportal"
    )


@pytest.fixture
def config() -> dict:
    return database(Path("/nowhere"), shared=False)


def test_server_that_vanishes_is_noticed_in_seconds(config):
    options = config["OPTIONS"]
    assert options["connect_timeout"] <= 5
    assert options["tcp_user_timeout"] <= 15_000
    assert options["keepalives_idle"] + options["keepalives_interval"] * options["keepalives_count"] <= 15


def test_options_of_the_address_are_kept_and_commits_are_durable(config):
    assert config["OPTIONS"]["sslmode"] == "require"
    assert config["OPTIONS"]["options"] == "-c search_path=portal -c synchronous_commit=on"


def test_web_process_opens_no_more_connections_than_it_may(monkeypatch):
    monkeypatch.setenv("FEISHU_WEB_DATABASE_CONNECTIONS", "1")
    pool = database(Path("/nowhere"), shared=True)["OPTIONS"]["pool"]
    assert (pool["min_size"], pool["max_size"]) == (1, 1)


def test_other_processes_open_a_connection_for_each_thread(config):
    assert "pool" not in config["OPTIONS"]


def test_sqlite_has_nothing_to_share(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/portal.sqlite3")
    assert "pool" not in database(Path("/nowhere"), shared=True)["OPTIONS"]
