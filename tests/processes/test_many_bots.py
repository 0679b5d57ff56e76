"""Fifty bots in one ``runfeishu``: what happens to all of them at once, and what one of them alone must not do to them."""

import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.services.platform import APP_SECRET, SandboxClient
from tests.services.processes import ManagedProcess, ProcessStarter
from tests.services.rows import Rows

# Which database it is makes no difference to these.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

BOTS = 50
ADD_BOTS = """
from bots.service import BotChanges, put_bot
from core.access.actors import SYSTEM
for app_id, url in {wanted}.items():
    changes = BotChanges(dict(
        name=app_id, platform="custom", open_url=url, accounts_url=url, app_secret="{secret}",
    ))
    put_bot(app_id=app_id, changes=changes, actor=SYSTEM)
"""
LOSSES = """
SELECT app_id, COUNT(*) FROM bots_connectionloss JOIN bots_bot ON bots_bot.id = bot_id WHERE lasted IS NOT NULL GROUP BY app_id
"""
"""Of connections that were open: an attempt that failed, as some do on a busy machine, has a row and no such line."""
CONNECTED = "SELECT bot_id FROM bots_connectionslot WHERE state = 'connected'"
DEAF = "cli_00000000000000de"


def app_id(number: int) -> str:
    return f"cli_{number:016x}"


class Bots:
    """The sandbox's bots; it is the judge of which are connected."""

    def __init__(self, sandbox: SandboxClient) -> None:
        self._sandbox = sandbox

    def connected(self) -> bool:
        """Every one has a connection, and none has two."""
        return sorted(self._devices()) == [app_id(number) for number in range(BOTS)]

    def connected_again(self, before: set[str]) -> bool:
        """Likewise, with connections that are not among those."""
        return self.connected() and not before & set(self._devices().values())

    def devices(self) -> set[str]:
        return set(self._devices().values())

    def _devices(self) -> dict[str, str]:
        answer = self._sandbox._http.get("/books", params={"events": "false"}).json()
        assert len(answer["connections"]) <= BOTS
        return {one["app_id"]: one["device_id"] for one in answer["connections"]}


@pytest.fixture
def add_bots(
    environment: dict[str, str], managed_process: ProcessStarter, sandbox: SandboxClient
) -> Callable[..., Bots]:
    """Adds fifty bots of the sandbox, after those that are given with their addresses."""

    def add(first: dict[str, str] | None = None) -> Bots:
        wanted = dict(first or {})
        for number in range(BOTS):
            sandbox.put_app(app_id(number), app_secret=APP_SECRET)
            wanted[app_id(number)] = sandbox.url
        code = ADD_BOTS.format(wanted=wanted, secret=APP_SECRET)
        process = managed_process("manage.py", "shell", "-v", "0", "-c", code, environment=environment)
        assert process.wait_for_exit() == 0, process.output
        return Bots(sandbox)

    return add


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of one that accepts and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def told(process: ManagedProcess, event: str) -> Counter[str]:
    """How many lines say this of each bot. On a busy machine a connection may be lost and made once more than the test wants."""
    return Counter(re.findall(rf"\b{event} .*\bapp_id=(\S+)", process.output))


def until_connected(process: ManagedProcess, bots: Bots) -> None:
    process.wait_until(bots.connected, what="fifty connections")


def test_when_every_line_is_cut_at_once_all_bots_are_back_and_each_loss_is_written_down(
    add_bots: Callable[..., Bots],
    runfeishu: Callable[..., ManagedProcess],
    sandbox: SandboxClient,
    rows: Rows,
) -> None:
    bots = add_bots()
    process = runfeishu()
    until_connected(process, bots)
    process.wait_until(lambda: len(told(process, "connection_up")) == BOTS, what="log lines")
    before, lost_before = bots.devices(), told(process, "connection_lost")
    sandbox.disturb("drop")
    process.wait_until(lambda: bots.connected_again(before), what="fifty new connections")
    process.wait_until(lambda: len(rows.all(CONNECTED)) == BOTS, what="rows of them")
    process.wait_until(lambda: len(told(process, "connection_lost") - lost_before) == BOTS, what="log lines")
    process.wait_until(
        lambda: dict(rows.all(LOSSES)) == told(process, "connection_lost"), what="a row for each loss"
    )


def test_question_for_the_address_that_is_never_answered_delays_one_bot_only(
    add_bots: Callable[..., Bots],
    runfeishu: Callable[..., ManagedProcess],
    silent_server: str,
    rows: Rows,
) -> None:
    bots = add_bots({DEAF: silent_server})
    process = runfeishu()
    until_connected(process, bots)
    failure = process.wait_for(f"connection_failed.*{DEAF}.*the gateway's address did not come within")
    # Most, because a busy machine may take longer for all of them than the one is given for its answer.
    meanwhile = process.output[: failure.start()].count("connection_up")
    assert meanwhile > BOTS / 2
    process.wait_until(lambda: len(rows.all(CONNECTED)) == BOTS, what="rows of the others")
    until_connected(process, bots)
