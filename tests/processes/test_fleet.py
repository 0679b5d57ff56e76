"""Several ``runfeishu`` processes share the bots, and some of them die. The sandbox's books are the judge."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import httpx2
import pytest

from bots.connections.advice import NO_ROOM
from tests.services.platform import APP_SECRET, SandboxClient
from tests.services.processes import PATIENCE, ManagedProcess, ProcessStarter
from tests.services.rows import Rows

pytestmark = pytest.mark.processes

only_on_postgres = pytest.mark.only_on("postgres")

ADD_BOTS = """
from bots.service import BotChanges, put_bot
from core.access.actors import SYSTEM
for app_id, slots in {wanted}.items():
    changes = BotChanges(dict(
        name=app_id, platform="custom", open_url="{url}", accounts_url="{url}", app_secret="{secret}", slot_count=slots,
    ))
    put_bot(app_id=app_id, changes=changes, actor=SYSTEM)
"""
LOADS = "SELECT node, COUNT(*) FROM bots_connectionslot WHERE state = 'connected' GROUP BY node"
HELD_BY_C = (
    "SELECT app_id FROM bots_bot JOIN bots_connectionslot slot ON slot.bot_id = bots_bot.id WHERE node = 'c'"
)
TOGETHER = "SELECT bot_id, node FROM bots_connectionslot GROUP BY bot_id, node HAVING COUNT(*) > 1"


class Bots:
    """The bots of one test: how many connections each should have."""

    def __init__(self, sandbox: SandboxClient, wanted: dict[str, int]) -> None:
        self._sandbox = sandbox
        self.wanted = wanted

    def all_connected(self) -> bool:
        return all(count == self.wanted[app_id] for app_id, count in self.counts().items())

    def counts(self) -> dict[str, int]:
        return {app_id: len(opened) for app_id, opened in self.opened().items()}

    def opened(self) -> dict[str, list[float]]:
        """When the open connections of each bot were opened, in seconds of the epoch."""
        answer = httpx2.get(f"{self._sandbox.url}/sandbox/api/books", params={"events": "false"}, timeout=120)
        found: dict[str, list[float]] = {app_id: [] for app_id in self.wanted}
        for connection in answer.json()["connections"]:
            found[connection["app_id"]].append(connection["opened_at"])
        return found


class Watch:
    """Looks at the number of connections of every bot, many times a second, from a thread of its own."""

    def __init__(self, sandbox: SandboxClient, bots: Bots) -> None:
        self._wanted = bots.wanted
        self._http = httpx2.Client(base_url=f"{sandbox.url}/sandbox/api", timeout=PATIENCE)
        self._samples: list[tuple[float, dict[str, int]]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join(timeout=120)
        self._http.close()

    def longest(self, wrong: Callable[[int, int], bool], *, since: float = 0.0) -> float:
        """The seconds for which ``wrong(connections, wanted)`` was true of any one bot without a break."""
        longest, began = 0.0, {}
        for moment, counts in list(self._samples):
            if moment < since:
                continue
            for app_id, wanted in self._wanted.items():
                if wrong(counts[app_id], wanted):
                    longest = max(longest, moment - began.setdefault(app_id, moment))
                else:
                    began.pop(app_id, None)
        return longest

    def _look(self) -> None:
        while not self._stop.wait(0.02):
            apps = self._http.get("/apps").json()["apps"]
            self._samples.append((time.monotonic(), {app["app_id"]: app["connections"] for app in apps}))


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """With the times of production; ``hurry`` shortens them."""
    return {name: value for name, value in environment.items() if not name.startswith("FEISHU_")}


@pytest.fixture
def hurry(environment: dict[str, str]) -> None:
    environment["FEISHU_LEASE_SECONDS"] = "2"


@pytest.fixture
def add_bots(
    environment: dict[str, str], managed_process: ProcessStarter, sandbox: SandboxClient
) -> Callable[..., Bots]:
    def add(single: int, double: int = 0) -> Bots:
        names = [f"cli_{number:016x}" for number in range(single + double)]
        wanted = {name: 1 if number < single else 2 for number, name in enumerate(names)}
        for name in names:
            sandbox.put_app(name, app_secret=APP_SECRET)
        code = ADD_BOTS.format(wanted=wanted, url=sandbox.url, secret=APP_SECRET)
        process = managed_process("manage.py", "shell", "-v", "0", "-c", code, environment=environment)
        assert process.wait_for_exit() == 0, process.output
        return Bots(sandbox, wanted)

    return add


@pytest.fixture
def start(
    environment: dict[str, str], managed_process: ProcessStarter
) -> Callable[..., list[ManagedProcess]]:
    def run(*names: str, arguments: tuple[str, ...] = ()) -> list[ManagedProcess]:
        processes = [
            managed_process("manage.py", "runfeishu", "--node", name, *arguments, environment=environment)
            for name in names
        ]
        for process in processes:
            process.wait_for("Listening")
        return processes

    return run


def until_connected(process: ManagedProcess, bots: Bots) -> None:
    process.wait_until(bots.all_connected, what="every connection and no other")


def until_fair(process: ManagedProcess, rows: Rows, names: str, total: int) -> None:
    def fair() -> bool:
        loads = dict(rows.all(LOADS))
        return set(loads) == set(names) and all(abs(n - total / len(names)) <= 2 for n in loads.values())

    process.wait_until(fair, what="fair shares")


@contextmanager
def three_at_work(start, add_bots, sandbox, rows) -> Iterator[tuple[list[ManagedProcess], Bots, Watch]]:
    """60 connections on three processes: 40 bots with one, 10 bots with two, on different processes."""
    processes = start("a", "b", "c")
    bots = add_bots(40, 10)
    until_connected(processes[0], bots)
    # Companions are parted one at a time once the shares are fair.
    processes[0].wait_until(lambda: rows.all(TOGETHER) == [], what="companions apart")
    until_fair(processes[0], rows, "abc", 60)
    with Watch(sandbox, bots) as watch:
        yield processes, bots, watch


@only_on_postgres
def test_sixty_bots_are_shared_by_three_processes(start, add_bots, rows):
    processes = start("a", "b", "c")
    bots = add_bots(60)
    until_connected(processes[0], bots)
    until_fair(processes[0], rows, "abc", 60)


@only_on_postgres
def test_killed_process_is_replaced_within_ten_seconds_and_a_bot_with_two_connections_hears_on(
    start, add_bots, sandbox, rows
):
    with three_at_work(start, add_bots, sandbox, rows) as (processes, bots, watch):
        processes[2].kill()
        until_connected(processes[0], bots)
        assert watch.longest(lambda count, _wanted: count == 0) <= 10
        assert watch.longest(lambda count, wanted: count == 0 and wanted == 2) == 0


@only_on_postgres
def test_stopped_process_is_replaced_within_ten_seconds_and_gives_way_when_it_wakes(
    start, add_bots, sandbox, rows
):
    with three_at_work(start, add_bots, sandbox, rows) as (processes, bots, watch):
        held = [app_id for (app_id,) in rows.all(HELD_BY_C)]
        single = [app_id for app_id in held if bots.wanted[app_id] == 1]
        stopped = time.time()
        processes[2].send(signal.SIGSTOP)

        def replaced(app_ids: list[str]) -> bool:
            opened = bots.opened()
            return all(any(moment > stopped for moment in opened[app_id]) for app_id in app_ids)

        processes[0].wait_until(lambda: replaced(single), what="bots that are connected again")
        processes[0].wait_until(lambda: replaced(held), what="second connections")
        woken = time.monotonic()
        processes[2].send(signal.SIGCONT)
        until_connected(processes[2], bots)
        # A second to prove its leases or give up its sockets; the rest is for a busy machine.
        assert watch.longest(lambda count, wanted: count > wanted, since=woken) <= 4


@only_on_postgres
def test_process_that_is_asked_to_end_leaves_no_gap(start, add_bots, sandbox, rows):
    with three_at_work(start, add_bots, sandbox, rows) as (processes, bots, watch):
        processes[2].send(signal.SIGTERM)
        assert processes[2].wait_for_exit(seconds=12) == 0
        until_connected(processes[0], bots)
        assert watch.longest(lambda count, wanted: count < wanted) == 0
        until_fair(processes[0], rows, "ab", 60)


@only_on_postgres
def test_process_that_joins_gets_its_share_without_a_gap(hurry, start, add_bots, sandbox, rows):
    processes = start("a", "b")
    bots = add_bots(40, 10)
    until_connected(processes[0], bots)
    with Watch(sandbox, bots) as watch:
        processes += start("c")
        until_fair(processes[0], rows, "abc", 60)
        until_connected(processes[0], bots)
        assert watch.longest(lambda count, wanted: count < wanted) == 0
        assert watch.longest(lambda count, wanted: count > wanted + 1) == 0


@only_on_postgres
def test_database_that_is_away_for_longer_than_a_lease_costs_no_connection(
    own_server, hurry, own_database, start, add_bots, sandbox
):
    processes = start("a", "b")
    bots = add_bots(20)
    until_connected(processes[0], bots)
    rows = Rows(own_database)
    until_fair(processes[0], rows, "ab", 20)
    rows.close()
    before = bots.opened()
    with own_server.away():
        time.sleep(3)  # the outage itself: a lease lasts for two seconds
    rows = Rows(own_database)
    lapsed = "SELECT 1 FROM bots_connectionslot WHERE lease_until < clock_timestamp()"
    processes[0].wait_until(lambda: rows.all(lapsed) == [], what="leases of all")
    # Whoever took another's lease for lost would have claimed it by then.
    processes[0].wait_until(lambda: processes[0].output.count("database_unavailable"), what="the outage")
    time.sleep(3)
    rows.close()
    assert bots.opened() == before


def test_process_started_after_a_kill_takes_over_when_the_lease_is_up(start, add_bots):
    [first] = start("a")
    bots = add_bots(3)
    until_connected(first, bots)
    first.kill()
    lapsed = time.monotonic() + 6  # production's lease
    [second] = start("b")
    due = max(lapsed, time.monotonic())
    until_connected(second, bots)
    # A round to see it and one to connect; the rest is for a busy machine.
    assert time.monotonic() - due <= 4
    second.wait_until(lambda: second.output.count("connection_up") >= 3, what="log lines")


@only_on_postgres
def test_full_process_says_in_the_row_what_is_missing_and_a_second_one_cures_it(hurry, start, add_bots, rows):
    [first] = start("a", arguments=("--max-connections", "2"))
    bots = add_bots(3)
    missing = "SELECT state, error_reason FROM bots_connectionslot WHERE state = 'error'"
    first.wait_until(lambda: len(rows.all(missing)) == 1, what="the error")
    assert rows.all(missing) == [("error", NO_ROOM)]
    first.wait_for("no_room_for_connections")
    first.wait_until(lambda: sum(bots.counts().values()) == 2, what="two connections")
    [second] = start("b", arguments=("--max-connections", "2"))
    until_connected(second, bots)
    second.wait_until(lambda: rows.all(missing) == [], what="no error any more")
    assert first.output.count("no_room_for_connections") == 1
