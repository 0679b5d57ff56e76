"""What handlers are compared with: procrastinate's jobs and bare Celery tasks, each with the payload of an event."""

import uuid
from collections.abc import Iterator
from typing import Any

import redis
from celery import Celery
from procrastinate import App, SyncPsycopgConnector

from bench.draining import Contender
from bench.servers import Servers, conninfo
from bench.work import COUNT, CREATE_TABLE
from tests.services.rows import Rows

WARM_UP = 200
PAYLOAD = "x" * 1_200
AT_ONCE = 500
"""Jobs that one statement puts into procrastinate's queue."""


class Procrastinate(Contender):
    """One worker on PostgreSQL. Kinds: ``nothing``, ``nothing_async``, ``one_row``."""

    def __init__(self, servers: Servers, *, concurrency: int) -> None:
        url = servers.empty_postgresql()
        super().__init__(servers, Rows(url), is_on_postgresql=True)
        self.rows.execute(CREATE_TABLE)
        self._written = 0
        self._app = App(connector=SyncPsycopgConnector(conninfo=conninfo(url)))
        self._app.open()
        self._app.schema_manager.apply_schema()
        worker = servers.start(
            "-m", "procrastinate", "--app", "bench.procrastinate_tasks.app", "--log-level", "warning", "worker",
            "--concurrency", str(concurrency), environment={"BENCH_DATABASE": conninfo(url)},
        )  # fmt: skip
        self.workers = [worker]
        self.fill("one_row", WARM_UP)
        self.wait_until_drained()

    def fill(self, kind: str, count: int) -> None:
        task = self._app.configure_task(kind)
        for start in range(0, count, AT_ONCE):
            task.batch_defer(*_arguments(min(AT_ONCE, count - start)))
        self._written += count if kind == "one_row" else 0

    def is_drained(self) -> bool:
        return not self.rows.all("SELECT 1 FROM procrastinate_jobs WHERE status IN ('todo', 'doing') LIMIT 1")

    def check(self, kind: str) -> None:
        [failed] = self.rows.one("SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'")
        if failed or self.rows.one(COUNT) != (self._written,):
            raise SystemExit(
                f"procrastinate, {kind}: not every job succeeded.\n{self.workers[0].output[-3000:]}"
            )

    def close(self) -> None:
        self.stop_workers()
        self._app.close()
        self.rows.close()


class PlainCelery(Contender):
    """One worker with Redis as its broker. Kinds: ``nothing``, ``get_or_create``."""

    def __init__(self, servers: Servers, database_url: str, *, concurrency: int, pool: str) -> None:
        super().__init__(servers, Rows(database_url), is_on_postgresql=database_url.startswith("postgres"))
        broker = servers.broker()
        self._redis = redis.Redis.from_url(broker)
        self._app = Celery(broker=broker)
        self.rows.execute(CREATE_TABLE)
        self._stored = 0
        worker = servers.start(
            "-m", "celery", "-A", "bench.celery_tasks", "worker", "--pool", pool, "--concurrency",
            str(concurrency), "--without-mingle", "--without-gossip",
            environment={"DATABASE_URL": database_url, "REDIS_URL": broker},
        )  # fmt: skip
        self.workers = [worker]
        self.fill("get_or_create", WARM_UP)
        self.wait_until_drained()

    def fill(self, kind: str, count: int) -> None:
        with self._app.producer_pool.acquire() as producer:
            for arguments in _arguments(count):
                self._app.send_task(kind, kwargs=arguments, producer=producer)
        self._stored += count if kind == "get_or_create" else 0

    def is_drained(self) -> bool:
        """A task leaves the queue for those not acknowledged, and these when it is begun: rows say when it ended."""
        if self._redis.llen("celery") or self._redis.hlen("unacked"):
            return False
        return self.rows.one(COUNT) == (self._stored,)

    def check(self, kind: str) -> None:
        """Nothing is left to check: ``is_drained`` counts the rows."""

    def close(self) -> None:
        self.stop_workers()
        self.rows.close()


def _arguments(count: int) -> Iterator[dict[str, Any]]:
    for _ in range(count):
        yield {"event_id": uuid.uuid4().hex, "event_type": "bench.nothing_v1", "payload": PAYLOAD}
