"""How fast workers work off what piled up while they stood still, and what it costs the processor."""

import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.processor import seconds_of_session
from bench.servers import Servers
from tests.services.processes import ManagedProcess
from tests.services.rows import Rows

PATIENCE = 900.0  # seconds for one backlog


@dataclass(frozen=True)
class Cost:
    """Of one event or job: milliseconds of processor; and how many a second there were."""

    per_second: float
    worker_ms: float
    database_ms: float

    @property
    def processor_ms(self) -> float:
        return self.worker_ms + self.database_ms


class Contender(ABC):
    """Workers on a queue of their own."""

    def __init__(self, servers: Servers, rows: Rows, *, is_on_postgresql: bool) -> None:
        self.servers = servers
        self.rows = rows
        self.workers: list[ManagedProcess] = []
        self._is_on_postgresql = is_on_postgresql

    @abstractmethod
    def fill(self, kind: str, count: int) -> None:
        """Put so much work of a kind into the queue."""

    @abstractmethod
    def is_drained(self) -> bool:
        """Whether nothing is left to do; asked every 20 ms, so it must cost next to nothing."""

    @abstractmethod
    def check(self, kind: str) -> None:
        """Raises SystemExit unless all that was ever filled in was done well."""

    def drain(self, kind: str, count: int) -> Cost:
        """What it takes to work off so much of a kind, none of which is begun before all of it is there."""
        with self.paused():
            self.fill(kind, count)
            self._tidy()
        cost = self.time(count)
        self.check(kind)
        return cost

    def _tidy(self) -> None:
        """What autovacuum does once a minute at most, so that no contender's plans hang on when it came by."""
        if self._is_on_postgresql:
            self.rows.execute("VACUUM ANALYZE")

    def time(self, count: int) -> Cost:
        """What it takes from now on until nothing is left, of the ``count`` that are there."""
        began, worker, database = time.monotonic(), self.worker_seconds(), self.database_seconds()
        self.wait_until_drained()
        return Cost(
            per_second=count / (time.monotonic() - began),
            worker_ms=1000 * (self.worker_seconds() - worker) / count,
            database_ms=1000 * (self.database_seconds() - database) / count,
        )

    def wait_until_drained(self) -> None:
        self.workers[0].wait_until(self.is_drained, what="end of the backlog", seconds=PATIENCE)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The workers stand still while the block runs."""
        send_all(self.workers, signal.SIGSTOP)
        try:
            yield
        finally:
            send_all(self.workers, signal.SIGCONT)

    def stop_workers(self) -> None:
        for worker in self.workers:
            worker.stop(seconds=30)
        self.workers = []

    def worker_seconds(self) -> float:
        return sum(seconds_of_session(worker.pid) for worker in self.workers)

    def database_seconds(self) -> float:
        return self.servers.postgresql_seconds() if self._is_on_postgresql else 0.0


def send_all(processes: Sequence[ManagedProcess], number: signal.Signals) -> None:
    """Send a signal to processes and their children."""
    for process in processes:
        os.killpg(process.pid, number)
