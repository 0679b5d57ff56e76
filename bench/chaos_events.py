"""What faults cost the way from the platform to handlers: ``make chaos-events``. The sandbox's books are the judge.

In every round a burst of events comes while something dies, and the next round begins when every event is acknowledged
and handled. Prints a line a round and, at the end, what must not be: every number of it is zero where all is well.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import SimpleNamespace

from bench.report import say
from tests.services.databases import DatabaseCopies
from tests.services.handling import Handling
from tests.services.platform import APP_ID, APP_SECRET, SandboxClient
from tests.services.ports import free_port
from tests.services.postgresql import RestartablePostgreSQL, find_programs
from tests.services.processes import ProcessStarter
from tests.services.redis_server import Redis, find_program
from tests.services.servers import temporary_directory

SCENES = {fault.__name__: (fault,) for fault in Handling.FAULTS} | {"everything": Handling.FAULTS}
BETWEEN = 1.0  # seconds


@contextmanager
def handling() -> Iterator[Handling]:
    """Servers, sandbox and a portal with one bot; whatever was started ends with the block."""
    database, broker, directory = (
        RestartablePostgreSQL(find_programs()),
        Redis(find_program()),
        temporary_directory(),
    )
    start = ProcessStarter(directory)
    try:
        broker.start()
        copies = DatabaseCopies(
            SimpleNamespace(
                database="postgres",
                database_url=database.url,
                directory=directory,
                start_database=database.start,
            )
        )
        environment = {"DATABASE_URL": copies.create(), "REDIS_URL": broker.url}
        yield Handling(start, environment, _sandbox(start, environment), database, directory)
    finally:
        start.close()
        database.stop()
        broker.stop()


def _sandbox(start: ProcessStarter, environment: dict[str, str]) -> SandboxClient:
    port = free_port()
    start("manage.py", "runsandbox", "--port", str(port)).wait_for_port(port, seconds=60)
    sandbox = SandboxClient(f"http://127.0.0.1:{port}")
    sandbox.put_app(app_secret=APP_SECRET)
    process = start(
        "manage.py", "addbot", "Helper", "--app-id", APP_ID, "--open-url", sandbox.url,
        "--accounts-url", sandbox.url, "--slots", "2",
        environment=environment | {"FEISHU_APP_SECRET": APP_SECRET},
    )  # fmt: skip
    if process.wait_for_exit(seconds=60) != 0:
        raise SystemExit(process.output)
    return sandbox


def run(scene: str, *, rounds: int, events: int, per_second: float) -> None:
    """Print what the rounds of one scene came to."""
    with handling() as portal:
        lost = 0
        for number in range(1, rounds + 1):
            began = time.monotonic()
            portal.push(events, per_second=per_second)
            for fault in SCENES[scene]:
                time.sleep(BETWEEN)
                fault(portal)
                lost += portal.check()
            portal.settle(number * events, seconds=600)
            costs = ", ".join(
                f"{value} {name.replace('_', ' ')}" for name, value in asdict(portal.cost()).items()
            )
            say(f"{scene} {number}/{rounds}: settled after {time.monotonic() - began:.1f} s; so far {costs}")
        faults = asdict(portal.verdict()) | {"acknowledged_before_stored": lost}
    say(f"{scene}: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in faults.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", choices=SCENES, action="append")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--events", type=int, default=500, help="in a round (default %(default)s)")
    parser.add_argument("--per-second", type=float, default=100)
    options = parser.parse_args()
    for scene in options.scene or SCENES:
        run(scene, rounds=options.rounds, events=options.events, per_second=options.per_second)


if __name__ == "__main__":
    main()
