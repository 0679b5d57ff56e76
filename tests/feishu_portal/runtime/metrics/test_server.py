"""The port of a process: what it answers, and what happens where it cannot be opened."""

import socket
from contextlib import ExitStack

import httpx2
import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from feishu_portal.runtime import health
from feishu_portal.runtime.metrics import server
from feishu_portal.runtime.metrics.server import MetricsServer
from tests.events.handler_runs import until
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def served():
    one = MetricsServer("127.0.0.1", 0)
    one.start()
    yield one
    one.stop()


def get(served, path) -> httpx2.Response:
    return httpx2.get(f"http://127.0.0.1:{served.port}{path}", timeout=60, trust_env=False)


def test_metrics_are_in_the_format_of_prometheus(served):
    answer = get(served, "/metrics?name[]=all")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert "feishu_events_not_stored" in names


def test_health_is_the_same_as_on_the_pages_port(served, monkeypatch):
    monkeypatch.setattr(health, "PATIENCE", 60)
    for path in (health.LIVE, health.READY):
        assert get(served, path).json() == Client().get(path).json()


def test_process_without_its_database_is_not_ready_and_tells_its_metrics(served, monkeypatch):
    monkeypatch.setattr(health.QUESTIONS["database"], "ask", lambda: "unreachable")
    monkeypatch.setattr(server.FIGURES, "_read", lambda: None)
    assert get(served, health.READY).status_code == 503
    assert "feishu_build_info" in get(served, "/metrics").text


def test_other_paths_are_not_found(served):
    assert get(served, "/admin/").status_code == 404


def test_caller_that_sends_nothing_keeps_nobody_waiting(served):
    with socket.create_connection(("127.0.0.1", served.port)):
        assert get(served, health.LIVE).status_code == 200


def test_caller_beyond_the_places_is_hung_up_on_at_once(served):
    with ExitStack() as full:
        for _ in range(server.REQUESTS):
            served._places.acquire()
            full.callback(served._places.release)
        with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as one_more:
            assert one_more.recv(1) == b""
    assert get(served, health.LIVE).status_code == 200


def test_port_that_is_taken_costs_one_line_and_is_opened_when_it_is_free(caplog):
    taken = socket.create_server(("127.0.0.1", 0))
    late = MetricsServer("127.0.0.1", taken.getsockname()[1], retry_seconds=0.05)
    late.start()
    try:
        assert late.port is None
        until(lambda: not taken.close() and late.port is not None, "the port is open")
        assert get(late, health.LIVE).status_code == 200
    finally:
        late.stop()
    assert [record.message for record in caplog.records].count("metrics_port_not_open") == 1
