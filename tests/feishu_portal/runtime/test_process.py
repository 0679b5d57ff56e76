"""A process begins and ends once, whatever runs inside it."""

from functools import partial

import pytest

from bots.enums import ProcessKind
from bots.processes.heartbeats import ThisProcess
from core.background.stopping import Stopping
from feishu_portal.runtime import health, process


class Heart:
    """In the place of the heartbeat."""

    def __init__(self, heard: list[str], me: ThisProcess, *, has_children: bool) -> None:
        self._heard = heard
        self._me = me
        assert not has_children

    def start(self) -> None:
        self._heard.append(f"{self._me.kind} beats for {len(self._me.roles)} roles")

    def stop(self) -> None:
        self._heard.append("beats no more")


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """What the service manager heard, and which ports were opened and closed."""
    heard: list[str] = []
    monkeypatch.setattr(process.service_manager, "tell", heard.append)
    monkeypatch.setattr(process, "serve_metrics", lambda kind, port: heard.append(f"open {kind} {port}"))
    monkeypatch.setattr(process, "stop_serving_metrics", lambda: heard.append("closed"))
    monkeypatch.setattr(process, "stopping", Stopping())
    monkeypatch.setattr(process, "Pulse", partial(Heart, heard))
    monkeypatch.setattr(health, "process", "")
    return heard


def test_process_tells_its_beginning_and_its_end(told):
    process.begin_process(ProcessKind.WEB, port=9101)
    process.process_is_ready("web")
    assert health.process == "web"
    process.process_is_stopping("web")
    process.process_is_stopping("web")
    assert process.stopping.is_asked
    process.end_process("web")
    assert told == [
        "open web 9101",
        "web beats for 0 roles",
        "READY=1",
        "STOPPING=1",
        "beats no more",
        "closed",
    ]


def test_worker_and_scheduler_inside_runportal_are_no_processes_of_their_own(told):
    assert process.begin_process(ProcessKind.RUNPORTAL, port=None)
    for kind in (ProcessKind.WORKER, ProcessKind.BEAT):
        assert not process.begin_process(kind)
        process.process_is_ready(kind)
        process.process_is_stopping(kind)
        process.end_process(kind)
    assert told == ["open runportal None", "runportal beats for 4 roles"]
    process.end_process("runportal")
