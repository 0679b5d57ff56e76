"""Every kind of process tells its metrics and its health on a port of its own, as production starts it."""

import json
import signal
import uuid

import httpx2
import pytest

from core import __version__
from tests.core.metrics.scraping import series
from tests.services.platform import APP_ID
from tests.services.ports import free_port

pytestmark = pytest.mark.processes

HANDLERS = """
from events import on

@on("test.fine_v1", name="fine")
def fine(event, bot):
    pass
"""
CELERY = ("-m", "celery", "-A", "feishu_portal")


def fetch(port, path="/metrics"):
    """None while the port is not open."""
    try:
        return httpx2.get(f"http://127.0.0.1:{port}{path}", timeout=60, trust_env=False).text
    except httpx2.TransportError:
        return None


def told(process, port, sample, *labels):
    """Wait until a process tells that sample with a value above 0."""

    def found():
        text = fetch(port)
        return series(sample, text).get(labels, 0) if text else 0

    return process.wait_until(lambda: found() or None, what=f"{sample}{labels}")


@pytest.fixture
def start(managed_process, environment, tmp_path):
    """Starts a process with a port for its metrics; the process and that port."""
    (tmp_path / "told.py").write_text(HANDLERS)

    def start(*arguments, **settings):
        port = free_port()
        values = environment | {
            "FEISHU_HANDLERS": "told",
            "PYTHONPATH": str(tmp_path),
            "FEISHU_SWEEP_SECONDS": "1",
            "FEISHU_METRICS_HOST": "127.0.0.1",
            "FEISHU_METRICS_PORT": str(port),
            **settings,
        }
        return managed_process(*arguments, environment=values), port

    return start


def is_build(process, port, kind):
    told(process, port, "feishu_build_info", kind, __version__)
    assert json.loads(fetch(port, "/healthz/live"))["status"] == "ok"


@pytest.mark.only_on("postgres")
def test_listener_tells_what_arrived_and_the_worker_what_its_children_handled(start, bot, sandbox):
    listener, listener_port = start("manage.py", "runfeishu")
    worker, worker_port = start(*CELERY, "worker", "--pool", "prefork", "--concurrency", "2")
    is_build(listener, listener_port, "runfeishu")
    is_build(worker, worker_port, "worker")
    listener.wait_for("connection_up")
    header = {"event_id": uuid.uuid4().hex, "event_type": "test.fine_v1", "app_id": APP_ID}
    sandbox.push(count=1, raw=json.dumps({"schema": "2.0", "header": header, "event": {}}))
    told(listener, listener_port, "feishu_processes", "runfeishu", "working")
    told(listener, listener_port, "feishu_processes", "worker", "working")
    told(listener, listener_port, "feishu_events_received_total", APP_ID, "websocket", "test.fine_v1")
    told(worker, worker_port, "feishu_handler_seconds_count", "fine")
    for process in (listener, worker):
        process.send(signal.SIGTERM)
        process.wait_for_exit()


@pytest.mark.only_on("postgres")
def test_scheduler_tells_when_it_sent_and_the_refresher_when_it_passed(start):
    beat, beat_port = start(*CELERY, "beat")
    refresher, refresher_port = start(
        *CELERY, "worker", "-Q", "token_refresh", "--pool", "threads", "--concurrency", "2"
    )
    is_build(beat, beat_port, "beat")
    is_build(refresher, refresher_port, "refresher")
    told(beat, beat_port, "feishu_last_beat_timestamp_seconds")
    told(refresher, refresher_port, "feishu_last_pass_timestamp_seconds", "auth_sessions.refresh_due")
    for kind in ("beat", "refresher"):
        told(beat, beat_port, "feishu_processes", kind, "working")


@pytest.mark.only_on("postgres")
def test_web_process_tells_its_health_beside_its_pages_and_that_nothing_else_runs(start, bot):
    web, port = start(
        *("-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(free_port())),
        FEISHU_ALERT_SECONDS="1",
    )
    is_build(web, port, "web")
    for cause in ("no_fleet", "no_worker", "no_scheduler"):
        told(web, port, "feishu_incidents_open", cause)
    told(web, port, "feishu_database_figures_timestamp_seconds")
    web.send(signal.SIGTERM)
    web.wait_for_exit()
    assert fetch(port) is None


@pytest.mark.only_on("sqlite")
def test_everything_in_one_process_has_one_port(managed_process, environment):
    port = free_port()
    del environment["REDIS_URL"]
    portal = managed_process(
        "manage.py",
        "runportal",
        "--port",
        str(free_port()),
        "--metrics-port",
        str(port),
        environment=environment,
    )
    is_build(portal, port, "runportal")
    told(portal, port, "feishu_processes", "runportal", "working")
    told(portal, port, "feishu_last_beat_timestamp_seconds")
    told(portal, port, "feishu_last_pass_timestamp_seconds", "events.sweep")
