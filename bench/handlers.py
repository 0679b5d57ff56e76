"""What it costs to run a handler: ``make bench-handlers``.

Starts PostgreSQL (durable, as in production), Redis and, for either database, one worker as production starts it, with one
process for tasks. Each round stores events with nobody looking, tells the worker and counts processor time, its own and
PostgreSQL's, until every event is done: that is what handlers cost beside what they do, since these do nothing. In the same
round the same worker takes as many bare Celery tasks that store a row each with ``get_or_create``. What counts is the
median of a round's ratios, and processor time, which does not wait for others on the machine.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import environ
from celery import Celery

from bench.portal import say
from bench.processor import seconds_of_family, seconds_of_session
from tests.services import postgresql
from tests.services.databases import DatabaseCopies, SQLiteFiles
from tests.services.processes import ManagedProcess, ProcessStarter
from tests.services.redis_server import with_database
from tests.services.rows import Rows
from tests.services.servers import temporary_directory
from tests.services.session import Services

KINDS = {"atomic": "bench.atomic_v1", "not atomic": "bench.plain_v1", "async": "bench.async_v1"}
BOTS = (1, 50)
WARM = 200  # events before the first round
PATIENCE = 600.0  # seconds for one measurement
OPEN = "SELECT count(*) FROM (SELECT 1 FROM events_event WHERE status IN ('received', 'dispatched') LIMIT 1) AS open"
FAILED = "SELECT count(*) FROM events_handlerrun WHERE status <> 'succeeded' OR attempts > 1"
STORED = "SELECT count(*) FROM bench_received"
TABLE = (
    "CREATE TABLE bench_received (event_id varchar(64) PRIMARY KEY, event_type varchar(128) NOT NULL,"
    " payload text NOT NULL, received_at timestamp NOT NULL)"
)


@dataclass(frozen=True)
class Cost:
    """Of one handler run or task: milliseconds of processor, and how many a second there were."""

    per_second: float
    worker: float
    database: float

    @property
    def all(self) -> float:
        return self.worker + self.database


@dataclass
class Measured:
    """The rounds of one measurement."""

    rounds: list[Cost] = field(default_factory=list)

    def median(self, what: str) -> float:
        return statistics.median(getattr(one, what) for one in self.rounds)


class Bench:
    """One worker on one database. ``postmaster``: the process of a server beside it, if there is one."""

    def __init__(
        self, start: ProcessStarter, database_url: str, redis_url: str, postmaster: int | None
    ) -> None:
        self._start = start
        self._postmaster = postmaster
        self._environment = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "FEISHU_HANDLERS": "bench.empty_handlers",
            "FEISHU_SWEEP_SECONDS": "3600",  # nobody looks before the hint
            "LOG_LEVEL": "WARNING",
        }
        self._tasks = Celery(broker=redis_url)
        self._tasks.conf.task_default_queue = "default"
        self._rows = Rows(database_url)
        self._sent = 0
        self._rows.execute(TABLE)
        self._worker = self._started_worker()
        for event_type in KINDS.values():
            self.handle(event_type, WARM, bots=max(BOTS))

    def handle(self, event_type: str, count: int, *, bots: int) -> Cost:
        """The cost of a handler, by so many events that wait."""
        fill = self._start(
            "-m", "bench.fill_events", event_type, str(count), str(bots), environment=self._environment
        )
        if fill.wait_for_exit(seconds=PATIENCE):
            raise SystemExit(fill.output)
        cost = self._cost(
            count,
            begin=lambda: self._tasks.send_task("events.work"),
            is_done=lambda: self._rows.one(OPEN) == (0,),
        )
        if self._rows.one(FAILED) != (0,):
            raise SystemExit(
                f"Not every handler run succeeded at its first attempt.\n{self._worker.output[-3000:]}"
            )
        return cost

    def store(self, count: int) -> Cost:
        """The cost of a bare task that stores a row."""
        self._sent += count
        return self._cost(
            count, begin=lambda: self._send(count), is_done=lambda: self._rows.one(STORED) == (self._sent,)
        )

    def _send(self, count: int) -> None:
        for number in range(self._sent - count, self._sent):
            self._tasks.send_task("bench.store", (f"{number:032x}", "bench.atomic_v1", "x" * 1200))

    def _cost(self, count: int, *, begin: Callable[[], object], is_done: Callable[[], bool]) -> Cost:
        began, worker, database = time.monotonic(), self._worker_seconds(), self._database_seconds()
        begin()
        self._worker.wait_until(is_done, what="end of the work", seconds=PATIENCE)
        return Cost(
            per_second=count / (time.monotonic() - began),
            worker=1000 * (self._worker_seconds() - worker) / count,
            database=1000 * (self._database_seconds() - database) / count,
        )

    def _started_worker(self) -> ManagedProcess:
        worker = self._start(
            "-m", "celery", "-A", "feishu_portal", "worker", "--concurrency", "1", "--without-mingle",
            "--without-gossip", environment=self._environment,
        )  # fmt: skip
        self._tasks.send_task("bench.store", ("first", "", ""))
        self._sent += 1
        worker.wait_until(lambda: self._rows.one(STORED) == (1,), what="the first task", seconds=120)
        return worker

    def _worker_seconds(self) -> float:
        return seconds_of_session(self._worker.pid)

    def _database_seconds(self) -> float:
        return 0.0 if self._postmaster is None else seconds_of_family(self._postmaster)

    def stop(self) -> None:
        self._worker.stop(seconds=30)
        self._rows.close()


def measure(name: str, bench: Bench, *, rounds: int, count: int) -> None:
    """Print what a handler run costs on one database, and how that compares with a bare task."""
    measured = {(kind, bots): Measured() for bots in BOTS for kind in KINDS}
    bare = Measured()
    for _ in range(rounds):
        for (kind, bots), one in measured.items():
            one.rounds.append(bench.handle(KINDS[kind], count, bots=bots))
        bare.rounds.append(bench.store(count))
    say(f"\n{name:34}{'per s':>8}{'worker':>9}{'database':>10}{'÷ task':>9}")
    for (kind, bots), one in measured.items():
        ratios = [mine.all / task.all for mine, task in zip(one.rounds, bare.rounds, strict=True)]
        _say(f"{kind}, {bots} bot{'s' * (bots > 1)}", one, f"{statistics.median(ratios):>7.2f} ×")
    _say("bare task, get_or_create", bare, "")


def _say(name: str, one: Measured, ratio: str) -> None:
    worker, database = one.median("worker"), one.median("database")
    say(f"{name:34}{one.median('per_second'):>8,.0f}{worker:>6.2f} ms{database:>7.2f} ms{ratio}")


def _postmaster(url: str) -> int:
    """The process that all others of a PostgreSQL server come from."""
    directory = Path(environ.Env.db_url_config(url)["HOST"])
    return int((directory / "data" / "postmaster.pid").read_text().split()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=1000, help="in a measurement (default %(default)s)")
    options = parser.parse_args()
    # The tests' server does without what makes a commit durable; here that is part of what is measured.
    postgresql.SETTINGS = ("listen_addresses=", "max_connections=200")
    with ExitStack() as stack:
        services = Services({**os.environ, "TEST_DATABASE": "postgres"})
        stack.callback(services.stop)
        services.start()
        services.start_database()
        directory = temporary_directory()
        start = ProcessStarter(directory)
        stack.callback(start.close)
        say(f"{services.description}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        lite = SQLiteFiles(directory).create("portal")
        migrate = start("manage.py", "migrate", "--verbosity", "0", environment={"DATABASE_URL": lite})
        if migrate.wait_for_exit(seconds=120):
            raise SystemExit(migrate.output)
        durable = DatabaseCopies(services).create()
        for number, (name, url, postmaster) in enumerate(
            (("PostgreSQL", durable, _postmaster(durable)), ("SQLite", lite, None))
        ):
            broker = with_database(services.redis_url, number=number)
            bench = Bench(start, url, broker, postmaster)
            measure(name, bench, rounds=options.rounds, count=options.events)
            bench.stop()
    say(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
