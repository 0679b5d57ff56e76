"""``checkbot`` against the sandbox, as an operator runs it."""

import pytest

from tests.services.platform import APP_ID
from tests.services.processes import ManagedProcess

# Which database it is makes no difference to these.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

PUBLIC_URL = "http://localhost:8000"
REDIRECT_URI = f"{PUBLIC_URL}/oauth/callback/{APP_ID}/"


@pytest.fixture
def checkbot(managed_process, environment):
    def check(app_id: str = APP_ID) -> ManagedProcess:
        process = managed_process(
            "manage.py", "checkbot", app_id, "--lang", "en",
            environment=environment | {"PUBLIC_URL": PUBLIC_URL},
        )  # fmt: skip
        process.wait_for_exit()
        return process

    return check


def marks(process: ManagedProcess) -> dict[str, str]:
    lines = (line.partition(" ") for line in process.output.splitlines() if not line.startswith(" "))
    return {rest.partition(": ")[0]: mark for mark, _, rest in lines if mark in set("✓!✗?…")}


def test_connected_bot_is_found_well(sandbox, bot, runfeishu, rows, checkbot):
    sandbox.put_app(redirect_urls=[REDIRECT_URI])
    listening = runfeishu()
    listening.wait_until(
        lambda: rows.one("SELECT state FROM bots_connectionslot") == ("connected",), what="the connection"
    )
    process = checkbot()
    assert process.exit_code == 0
    assert {title: mark for title, mark in marks(process).items() if mark != "✓"} == {
        "Availability": "?",
        "First message": "…",
        "First authorization": "…",
    }
    assert sandbox.connections() == 1


def test_wrong_secret_fails_with_the_platforms_code(addbot, checkbot):
    addbot(secret="wrong-secret-of-the-tests")
    process = checkbot()
    assert process.exit_code == 1
    assert "platform code 10015" in process.output
    assert "platform code 1000040345" in process.output
    assert "CommandError" in process.output
    assert "wrong-secret-of-the-tests" not in process.output


def test_redirect_url_that_is_not_registered_is_named(sandbox, bot, checkbot):
    near = REDIRECT_URI.rstrip("/")
    sandbox.put_app(redirect_urls=[near])
    process = checkbot()
    assert process.exit_code == 1
    assert f"{near} is registered and differs in: the slash at the end" in process.output
    assert process.output.count("✗") == 1


def test_program_that_steals_events_is_noticed(sandbox, bot, checkbot):
    sandbox.put_app(redirect_urls=[REDIRECT_URI])
    with sandbox.connected_elsewhere():
        process = checkbot()
    assert process.exit_code == 1
    assert "counts 1 connections of this app and the portal holds 0" in process.output


def test_unknown_bot_is_an_error_of_one_line(environment, checkbot):
    process = checkbot("cli_ffffffffffffffff")
    assert process.exit_code == 1
    assert process.output.splitlines() == [
        "CommandError: No bot with App ID cli_ffffffffffffffff. Add it with manage.py addbot."
    ]
