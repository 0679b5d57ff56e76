"""The way from the platform to handlers as production runs it, and what can happen to it. The sandbox's books judge."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

import redis

from tests.services.platform import SandboxClient
from tests.services.postgresql import RestartablePostgreSQL
from tests.services.processes import PATIENCE, ManagedProcess
from tests.services.rows import Rows

Start = Callable[..., ManagedProcess]

HANDLERS = """
import time
from datetime import timedelta

from django.db import connection

from events import on
from events.models import claims

claims.LEASE = timedelta(seconds=5)  # what a worker was at when it was killed is taken over so much later

@on("sandbox.synthetic_v1")
def write(event, bot):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO effects (event_id) VALUES (%s)", [event.event_id])
    time.sleep(0.02)

@on("sandbox.synthetic_v1", atomic=False)
def work(event, bot):
    time.sleep(0.02)
"""
SETTINGS = {
    "FEISHU_HANDLERS": "burst_handlers",
    "FEISHU_HANDLER_ATTEMPTS": "20",
    "FEISHU_SWEEP_SECONDS": "1",
    "FEISHU_RECONCILE_SECONDS": "0.5",
    "FEISHU_LEASE_SECONDS": "2",
}
REPEATED = 100.0  # times faster than on the platform: after 0.15 s, 3 s, 36 s
OPEN = "SELECT count(*) FROM events_handlerrun WHERE status NOT IN ('succeeded', 'dead', 'skipped')"
RUNNING = "SELECT count(*) FROM events_handlerrun WHERE status = 'running'"


@dataclass(frozen=True)
class Cost:
    """What a burst has cost: nothing of it is a loss."""

    pushed: int
    pushed_again: int
    """Events that the platform had to push more than once."""
    duplicates: int
    """Pushes of an event that was stored already."""
    tries_lost: int
    """Tries of handlers whose end nobody noted, because their process or the database was gone."""


@dataclass(frozen=True)
class Verdict:
    """What must not be; every number is zero where all is well."""

    unacked: int
    """Events that the platform gave up on or still keeps."""
    lost: int
    """Events that were acknowledged and are not stored."""
    stored_twice: int
    unhandled: int
    """Handlers that did not succeed on a stored event."""
    succeeded_twice: int
    """Handlers with more than one successful try on an event."""
    effects_missing: int
    effects_twice: int
    """Rows written by the atomic handler for one event, beyond the first."""
    left_running: int

    @property
    def is_clean(self) -> bool:
        return not any(astuple(self))


class Handling:
    """Two listeners, a worker and a scheduler on servers of their own."""

    def __init__(
        self,
        start: Start,
        environment: Mapping[str, str],
        sandbox: SandboxClient,
        server: RestartablePostgreSQL,
        directory: Path,
    ) -> None:
        (directory / "burst_handlers.py").write_text(HANDLERS)
        self._start = start
        self._environment = dict(environment) | SETTINGS | {"PYTHONPATH": str(directory)}
        self._sandbox = sandbox
        self._server = server
        with self._rows() as rows:
            rows.execute("CREATE TABLE effects (event_id text NOT NULL)")
        sandbox.speed(REPEATED)
        self._listeners = [self._listener(), self._listener()]
        self._worker = self._celery("worker", "--pool", "threads", "--concurrency", "2", "--without-mingle")
        self._scheduler = self._celery("beat")
        for listener in self._listeners:
            listener.wait_for("Listening")
        self._worker.wait_until(lambda: sandbox.connections() == 2, what="two connections")

    # --- what goes on

    def push(self, count: int, *, per_second: float) -> None:
        """Begin to push a burst."""
        self._sandbox.push(count=count, per_second=per_second, wait=False)

    def wait_for_acks(self, count: int, *, seconds: float = PATIENCE) -> None:
        self._worker.wait_until(
            lambda: self._sandbox.books()["counts"]["acked"] >= count,
            what=f"acks of {count} events",
            seconds=seconds,
        )

    def settle(self, count: int, *, seconds: float) -> None:
        """Wait until ``count`` events are acknowledged and handled; the platform is in a hurry now."""
        self._sandbox.speed(REPEATED * 10)
        self.wait_for_acks(count, seconds=seconds)
        self._worker.wait_until(
            lambda: self._is_all_handled(count), what="end of all handlers", seconds=seconds
        )
        self._sandbox.speed(REPEATED)

    def _is_all_handled(self, count: int) -> bool:
        with self._rows() as rows:
            [(events,)] = rows.all("SELECT count(*) FROM events_event WHERE status = 'done'")
            return events >= count and rows.one(OPEN) == (0,)

    # --- what happens to it

    def kill_listener(self) -> None:
        """The older of the two processes that hold connections."""
        self._listeners.pop(0).kill()
        self._listeners.append(self._listener())

    def kill_worker(self) -> None:
        """In the middle of handlers."""
        self._worker.wait_until(self._is_at_work, what="handlers at work")
        self._worker.kill()
        self._worker = self._celery("worker", "--pool", "threads", "--concurrency", "2", "--without-mingle")

    def crash_database(self) -> None:
        """As after a power failure: no connection is ended in order, and what was committed is recovered."""
        with self._server.away(signal.SIGQUIT):
            pass

    def wipe_broker(self) -> None:
        redis.Redis.from_url(self._environment["REDIS_URL"]).flushall()

    FAULTS = (wipe_broker, kill_worker, crash_database, kill_listener)

    def _is_at_work(self) -> bool:
        with self._rows() as rows:
            return rows.one(RUNNING) > (0,)

    # --- how it stands

    def check(self) -> int:
        """How many events are acknowledged now and were not stored then: must be none, at any moment."""
        acked = self._sandbox.acked()
        with self._rows() as rows:
            return len(acked - {event_id for (event_id,) in rows.all("SELECT event_id FROM events_event")})

    def cost(self) -> Cost:
        books = self._sandbox.books()["events"]
        with self._rows() as rows:
            return Cost(
                pushed=len(books),
                pushed_again=sum(len(book["attempts"]) > 1 for book in books),
                duplicates=int(rows.one("SELECT coalesce(sum(duplicates), 0) FROM events_event")[0]),
                tries_lost=int(
                    rows.one(
                        "SELECT (SELECT sum(attempts) FROM events_handlerrun)"
                        " - (SELECT count(*) FROM events_handlerattempt)"
                    )[0]
                ),
            )

    def verdict(self) -> Verdict:
        books = self._sandbox.books()["events"]
        acked = {book["event_id"] for book in books if book["state"] == "acked"}
        with self._rows() as rows:
            stored = [event_id for (event_id,) in rows.all("SELECT event_id FROM events_event")]
            effects = [event_id for (event_id,) in rows.all("SELECT event_id FROM effects")]
            succeeded = int(
                rows.one(
                    "SELECT count(*) FROM events_handlerrun WHERE status = 'succeeded' AND handler LIKE 'burst%'"
                )[0]
            )
            twice = rows.all(
                "SELECT run_id FROM events_handlerattempt WHERE outcome = 'succeeded'"
                " GROUP BY run_id HAVING count(*) > 1"
            )
            running = int(rows.one(OPEN)[0])
        return Verdict(
            unacked=len(books) - len(acked),
            lost=len(acked - set(stored)),
            stored_twice=len(stored) - len(set(stored)),
            unhandled=2 * len(stored) - succeeded,
            succeeded_twice=len(twice),
            effects_missing=len(set(stored) - set(effects)),
            effects_twice=len(effects) - len(set(effects)),
            left_running=running,
        )

    # --- processes

    @property
    def processes(self) -> tuple[ManagedProcess, ...]:
        return (*self._listeners, self._worker, self._scheduler)

    def _listener(self) -> ManagedProcess:
        return self._start("manage.py", "runfeishu", environment=self._environment, tracebacks=True)

    def _celery(self, *arguments: str) -> ManagedProcess:
        return self._start(
            "-m", "celery", "-A", "feishu_portal", *arguments, environment=self._environment, tracebacks=True
        )

    @contextmanager
    def _rows(self) -> Iterator[Rows]:
        with closing(Rows(self._environment["DATABASE_URL"])) as rows:
            yield rows
