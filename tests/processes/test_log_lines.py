"""Every process of the portal, started as an operator starts it: with LOG_FORMAT=json each line that it writes is JSON."""

import json
import signal
import socket

import pytest
from celery import Celery

from tests.services.ports import free_port
from tests.services.processes import ManagedProcess

# Which database it is makes no difference to these.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

CELERY = ("-m", "celery", "-A", "feishu_portal")


def lines_of(process: ManagedProcess) -> list[dict[str, object]]:
    return [json.loads(line) for line in process.output.splitlines()]


def events_of(process: ManagedProcess) -> list[object]:
    return [line["event"] for line in lines_of(process)]


@pytest.fixture
def start(managed_process, environment):
    """Starts a process that logs JSON; a Python traceback in it is a string of a line."""

    def start(*arguments: str, **values: str) -> ManagedProcess:
        variables = environment | {"LOG_FORMAT": "json"} | values
        return managed_process(*arguments, environment=variables, tracebacks=True)

    return start


def test_web(start):
    port = free_port()
    web = start("-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port))
    web.wait_for("Uvicorn running")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"garbage\r\n\r\n")
        connection.recv(1000)
    web.wait_for("Invalid HTTP request")
    web.stop()
    events = events_of(web)
    assert "Invalid HTTP request received." in events
    assert str(events[0]).startswith("Started server process")
    assert str(events[-1]).startswith("Finished server process")


def test_worker(start, environment):
    worker = start(*CELERY, "worker", "--concurrency", "1")
    worker.wait_for(" ready")
    with Celery(broker=environment["REDIS_URL"]) as sender:
        sender.send_task("of.another.version", queue="default")
    worker.wait_for("Received unregistered task")
    worker.stop()
    events = events_of(worker)
    assert "worker_started" in events
    assert "worker: Warm shutdown (MainProcess)" in events


def test_scheduler(start):
    scheduler = start(*CELERY, "beat")
    scheduler.wait_for("scheduler_started")
    scheduler.stop()
    assert events_of(scheduler)[0] == "scheduler_started"


def test_listener(start):
    listener = start("manage.py", "runfeishu", "--node", "first")
    listener.wait_for('"listening"')
    listener.stop()
    assert "system_check" in events_of(listener)  # PUBLIC_URL is plain http
    assert [line["node"] for line in lines_of(listener) if line["event"] in {"listening", "stopped"}] == [
        "first",
        "first",
    ]


def test_portal_in_one_process(start):
    portal = start("manage.py", "runportal", "--port", str(free_port()))
    portal.wait_for("portal_running")
    portal.stop()
    assert events_of(portal)[-1] == "stopped"


def test_listener_tells_a_person_at_once_that_it_listens(managed_process, environment):
    listener = managed_process(
        "manage.py", "runfeishu", environment=environment | {"PYTHONUNBUFFERED": ""}, tracebacks=False
    )
    listener.wait_for("Listening as .*Ctrl-C")
    listener.send(signal.SIGTERM)
    assert listener.wait_for_exit() == 0
