"""``manage.py healthcheck``: exit codes and the line of reason."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.management import CommandError, call_command

from feishu_portal.management.speaking import speaking
from feishu_portal.runtime import health
from feishu_portal.runtime.metrics.server import MetricsServer
from tests.services.ports import free_port


@pytest.fixture
def port(monkeypatch, settings):
    """That of a live worker."""
    monkeypatch.setattr(health, "process", "worker")
    monkeypatch.setattr(health, "PATIENCE", 60)
    monkeypatch.setattr(health.QUESTIONS["database"], "ask", lambda: "ok")
    monkeypatch.setattr(health.QUESTIONS["redis"], "ask", lambda: "ok")
    settings.METRICS_HOST = "127.0.0.1"
    served = MetricsServer("127.0.0.1", 0)
    served.start()
    yield served.port
    served.stop()


def test_process_that_is_well_is_said_to_be(port, settings, capsys):
    settings.METRICS_PORT = port
    call_command("healthcheck")
    call_command("healthcheck", "worker", "--ready")
    live, ready = capsys.readouterr().out.splitlines()
    assert live.startswith("status: ok")
    assert "database: ok" in ready


def test_process_that_stands_still_fails_with_its_part(port, monkeypatch):
    monkeypatch.setattr(
        health, "liveness", lambda: (503, {"status": "stalled", "standing_still": "handlers"})
    )
    with pytest.raises(CommandError, match="standing_still: handlers"):
        call_command("healthcheck", "--live", "--metrics-port", str(port))


def test_port_of_another_kind_of_process_is_no_sign_of_this_one(port):
    with pytest.raises(CommandError, match="worker, not of beat"):
        call_command("healthcheck", "beat", "--metrics-port", str(port))


@pytest.mark.parametrize("body", [b"[" * 9000, b'{"status":"\xff"}', b"<html>", b'{"status": 1}'])
def test_what_is_no_health_at_all_on_that_port_fails_with_its_status(settings, body):
    settings.METRICS_HOST = "127.0.0.1"

    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        serving = threading.Thread(target=other.handle_request)
        serving.start()
        with pytest.raises(CommandError, match="503"):
            call_command("healthcheck", "--metrics-port", str(other.server_port))
        serving.join()


def test_port_that_nobody_has_fails(settings):
    settings.METRICS_HOST = "0.0.0.0"
    with pytest.raises(CommandError, match="does not answer"):
        call_command("healthcheck", "--metrics-port", str(free_port()))


def test_without_a_port_it_says_how_to_get_one_in_the_language_of_the_terminal(settings):
    settings.METRICS_PORT = 0
    with pytest.raises(CommandError, match=r"No port to ask.*FEISHU_METRICS_PORT"):
        call_command("healthcheck")
    with speaking("zh-hans"), pytest.raises(CommandError, match=r"没有可查询的端口.*FEISHU_METRICS_PORT"):
        call_command("healthcheck")
