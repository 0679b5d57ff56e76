from pathlib import Path

import pytest

from feishu_portal.environment import database


@pytest.fixture
def config(monkeypatch) -> dict:
    monkeypatch.setenv(
        "DATABASE_URL", "postgres://u:p@db/portal?sslmode=require&options=-c%20search_path%3Dportal"
    )
    return database(Path("/nowhere"))


def test_server_that_vanishes_is_noticed_in_seconds(config):
    options = config["OPTIONS"]
    assert options["connect_timeout"] <= 5
    assert options["tcp_user_timeout"] <= 15_000
    assert options["keepalives_idle"] + options["keepalives_interval"] * options["keepalives_count"] <= 15


def test_options_of_the_address_are_kept_and_commits_are_durable(config):
    assert config["OPTIONS"]["sslmode"] == "require"
    assert config["OPTIONS"]["options"] == "-c search_path=portal -c synchronous_commit=on"
