"""The portal with a backlog: bots connected to the sandbox through one ``runfeishu``, and workers beside it.

Events come in as they do in production, and only the table of events and the statuses in it are read, so that the same
bench measures every version of what is behind them.
"""

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

from bench.draining import Contender, send_all
from bench.platform import Platform
from bench.servers import Servers
from bench.work import COUNT, ONE_ROW
from tests.services.platform import APP_SECRET
from tests.services.processes import ManagedProcess
from tests.services.rows import Rows

OPEN = "SELECT 1 FROM events_event WHERE status IN ('received', 'dispatched') LIMIT 1"
COUNT_OPEN = "SELECT count(*) FROM events_event WHERE status IN ('received', 'dispatched')"
NOT_DONE = "SELECT status, count(*) FROM events_event WHERE status <> 'done' GROUP BY status"


class Portal(Contender):
    """Events are of the types in ``bench.small_handlers``."""

    def __init__(self, servers: Servers, platform: Platform, database_url: str, *, bots: int = 1) -> None:
        super().__init__(servers, Rows(database_url), is_on_postgresql=database_url.startswith("postgres"))
        self.environment = {
            "DATABASE_URL": database_url,
            "REDIS_URL": servers.broker(),
            "FEISHU_HANDLERS": "bench.small_handlers",
        }
        self.app_ids = [platform.new_app() for _ in range(bots)]
        self._platform = platform
        self._written = 0
        servers.run(
            "-m", "bench.add_bots", platform.url, *self.app_ids,
            environment=self.environment | {"FEISHU_APP_SECRET": APP_SECRET},
        )  # fmt: skip
        self.listener = servers.start("manage.py", "runfeishu", environment=self.environment)
        self.listener.wait_until(
            lambda: platform.connected().issuperset(self.app_ids), what="connection of every bot", seconds=120
        )

    def start_workers(self, count: int, *, warm_up: str, events: int = 200) -> None:
        """So many worker processes with one process for tasks each, warmed up with a few events of a type."""
        self.workers = [self._started_worker() for _ in range(count)]
        for worker in self.workers:
            worker.wait_for("celery@.* ready", seconds=120)
        self.fill(warm_up, events)
        self.wait_until_drained()

    def _started_worker(self) -> ManagedProcess:
        return self.servers.start(
            "-m", "celery", "-A", "feishu_portal", "worker", "--concurrency", "1", "--without-mingle",
            "--without-gossip", environment=self.environment,
        )  # fmt: skip

    def fill(self, kind: str, count: int, *, bot: int = 0) -> None:
        self._platform.flood(self.app_ids[bot], count, event_type=kind)
        self._written += count if kind == ONE_ROW else 0

    def is_drained(self) -> bool:
        return not self.rows.all(OPEN)

    def check(self, kind: str) -> None:
        if wrong := self.rows.all(NOT_DONE):
            raise SystemExit(
                f"{kind}: not every event was handled: {wrong}\n{self.workers[0].output[-3000:]}"
            )
        if self._written and self.rows.one(COUNT) != (self._written,):
            raise SystemExit(f"{kind}: not every handler wrote its row once.")

    def open_events(self) -> int:
        """Events that wait or are being handled."""
        return int(self.rows.one(COUNT_OPEN)[0])

    @contextmanager
    def paused(self) -> Iterator[None]:
        with super().paused():
            self._let_go_of_the_database()
            yield

    def _let_go_of_the_database(self) -> None:
        """SQLite has one lock for all writers; a worker that was stopped while it held it would keep everybody out."""
        url = self.environment["DATABASE_URL"]
        if not url.startswith("sqlite"):
            return
        for _ in range(50):
            if _can_write(urlsplit(url).path):
                return
            send_all(self.workers, signal.SIGCONT)
            time.sleep(0.05)
            send_all(self.workers, signal.SIGSTOP)
        raise SystemExit("The worker holds SQLite's write lock whenever it is stopped.")


def _can_write(file: str) -> bool:
    with closing(sqlite3.connect(file, timeout=0.1, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True
