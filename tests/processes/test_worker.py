"""Celery workers as production starts them, with handlers that hang, crash and outlive them."""

import json
import signal
import uuid

import pytest

from tests.services.platform import APP_ID

# Which database it is makes no difference to these.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

HANDLERS = """
import os
import time
from events import on

@on("test.crash_v1", retries=1, atomic=False)
def crash(event, bot):
    os._exit(9)

@on("test.hang_v1", retries=0, timeout=1, atomic=False)
def hang(event, bot):
    time.sleep(3600)

@on("test.linger_v1", atomic=False)
def linger(event, bot):
    time.sleep(3600)

@on("test.fine_v1")
def fine(event, bot):
    pass
"""
HURRIED = """
from datetime import timedelta
from events.models import claims

claims.LEASE = timedelta(seconds=5)  # what a worker was at when it died is taken over so much later, and not after 30 s
"""
STATUS = "SELECT event_type, status FROM events_event"
FAILURES = "SELECT failure, attempts FROM events_handlerrun WHERE status = 'dead'"


@pytest.fixture
def worker(managed_process, environment, tmp_path):
    """Starts a worker of the given pool with its scheduler."""
    values = environment | {
        "FEISHU_HANDLERS": "troubles",
        "PYTHONPATH": str(tmp_path),
        "FEISHU_SWEEP_SECONDS": "1",
    }
    celery = ("-m", "celery", "-A", "feishu_portal")

    def start(*arguments: str, pool: str = "prefork", handlers: str = HANDLERS):
        (tmp_path / "troubles.py").write_text(handlers)
        managed_process(*celery, "beat", environment=values)
        return managed_process(
            *celery, "worker", "--pool", pool, "--concurrency", "2", *arguments,
            environment=values, tracebacks=True,
        )  # fmt: skip

    return start


@pytest.fixture
def push(sandbox, bot, runfeishu):
    """Pushes events of the given types through a long connection."""
    runfeishu()

    def send(*kinds: str) -> None:
        for kind in kinds:
            event_id = uuid.uuid4().hex
            header = {"event_id": event_id, "event_type": f"test.{kind}_v1", "app_id": APP_ID}
            sandbox.push(count=1, raw=json.dumps({"schema": "2.0", "header": header, "event": {}}))

    return send


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_hung_handler_delays_nobody_and_not_the_end_of_the_worker(push, worker, rows, pool):
    process = worker(pool=pool)
    push("hang", "fine", "linger", "fine")
    process.wait_until(
        lambda: (("test.hang_v1", "dead") in rows.all(STATUS)) or None, what="the hung one is dead"
    )
    process.wait_until(
        lambda: rows.all(STATUS).count(("test.fine_v1", "done")) == 2 or None, what="the others"
    )
    assert rows.all(FAILURES) == [("timed_out", 1)]
    process.send(signal.SIGTERM)
    process.wait_for_exit()
    assert ("pending", 0) in rows.all("SELECT status, attempts FROM events_handlerrun")


def test_handler_that_takes_its_worker_down_is_dead_after_its_tries(push, worker, rows):
    process = worker(handlers=HANDLERS + HURRIED)
    push("crash", "fine")
    process.wait_until(lambda: ("worker_lost", 3) in rows.all(FAILURES) or None, what="the cause")
    push("fine")
    process.wait_until(
        lambda: rows.all(STATUS).count(("test.fine_v1", "done")) == 2 or None, what="the others"
    )
