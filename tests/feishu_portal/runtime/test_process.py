"""A process begins and ends once, whatever runs inside it."""

import pytest

from core.background import stopping as stopping_module
from core.background.stopping import Stopping
from feishu_portal.runtime import health, process


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """What the service manager heard, and which ports were opened and closed."""
    heard: list[str] = []
    monkeypatch.setattr(process.service_manager, "tell", heard.append)
    monkeypatch.setattr(process, "serve_metrics", lambda kind, port: heard.append(f"open {kind} {port}"))
    monkeypatch.setattr(process, "stop_serving_metrics", lambda: heard.append("closed"))
    monkeypatch.setattr(process, "stopping", Stopping())
    monkeypatch.setattr(health, "process", "")
    return heard


def test_process_tells_its_beginning_and_its_end(told):
    process.begin_process("web", port=9101)
    process.process_is_ready("web")
    assert health.process == "web"
    process.process_is_stopping("web")
    process.process_is_stopping("web")
    assert process.stopping.is_asked
    process.end_process("web")
    assert told == ["open web 9101", "READY=1", "STOPPING=1", "closed"]


def test_worker_and_scheduler_inside_runportal_are_no_processes_of_their_own(told):
    process.begin_process("runportal", port=None)
    for kind in ("worker", "beat"):
        process.begin_process(kind)
        process.process_is_ready(kind)
        process.process_is_stopping(kind)
        process.end_process(kind)
    assert told == ["open runportal None"]
    process.end_process("runportal")


def test_no_test_runs_in_a_process_that_was_asked_to_end():
    assert not stopping_module.stopping.is_asked
