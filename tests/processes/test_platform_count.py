"""What the platform counts, with the sandbox's books as judge: connections of strangers, and those it forgot."""

import itertools
from collections.abc import Callable

import pytest

from tests.services.platform import APP_ID
from tests.services.processes import ManagedProcess

# Which database it is makes no difference to these.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

LOOKS = """
from datetime import timedelta
from bots.connections import platform_count
from bots.incidents import detection
from bots.models import Bot
platform_count.SETTLED = timedelta(0)  # it has just connected
platform_count.due_bots()
for _ in range(2):
    platform_count.check(Bot.objects.get().pk)
detection.detect()
"""
KNOWN = "SELECT online, held, more_counts FROM bots_platformcount"
INCIDENTS = "SELECT cause FROM bots_incident WHERE closed_at IS NULL"
LOSSES = "SELECT reason, code FROM bots_connectionloss ORDER BY id"


@pytest.fixture
def look_twice(managed_process, environment) -> Callable[[], None]:
    """As two workers do, one after the other."""

    def look() -> None:
        process = managed_process("manage.py", "shell", "-v", "0", "-c", LOOKS, environment=environment)
        assert process.wait_for_exit() == 0, process.output

    return look


@pytest.fixture
def listening(sandbox, bot, runfeishu, rows) -> ManagedProcess:
    process = runfeishu("--node", "a")
    process.wait_until(
        lambda: rows.one("SELECT state FROM bots_connectionslot") == ("connected",), what="the connection"
    )
    return process


def test_connection_of_a_stranger_is_found_and_becomes_an_incident(listening, sandbox, rows, look_twice):
    look_twice()
    assert rows.one(KNOWN) == (1, 1, 0)
    assert rows.all(INCIDENTS) == []
    with sandbox.connected_elsewhere():
        listening.wait_until(lambda: sandbox.connections() == 2, what="both connections")
        look_twice()
    assert rows.one(KNOWN) == (2, 1, 2)
    assert rows.all(INCIDENTS) == [("foreign",)]


def test_connection_that_the_platform_forgot_is_replaced_although_its_pings_are_answered(
    listening, sandbox, rows, look_twice
):
    sandbox.disturb("forget", app_id=APP_ID)
    listening.wait_until(lambda: sandbox.connections() == 0, what="a platform that forgot")
    assert rows.one("SELECT state FROM bots_connectionslot") == ("connected",)
    look_twice()
    listening.wait_until(lambda: sandbox.connections() == 1, what="another connection")
    listening.wait_until(lambda: rows.all(LOSSES) == [("half_open", None)], what="the loss")
    [event_id] = sandbox.push(count=1)
    listening.wait_until(lambda: event_id in sandbox.acked(), what="an event through it")


def test_losses_are_written_down_with_their_causes_up_to_the_last(listening, sandbox, rows):
    sandbox.disturb("close", app_id=APP_ID, close_code=1001)
    listening.wait_until(lambda: listening.output.count("connection_up") >= 2, what="a new one")
    sandbox.disturb("drop", app_id=APP_ID)
    listening.wait_until(lambda: listening.output.count("connection_up") >= 3, what="a third")
    assert listening.stop() == 0
    # On a busy machine an attempt to connect may fail as well, for the network's sake.
    losses = [loss for loss, _again in itertools.groupby(rows.all(LOSSES))]
    assert losses == [("closed", 1001), ("network", None), ("ended", None)]
    assert rows.all("SELECT DISTINCT node FROM bots_connectionloss") == [("a",)]
