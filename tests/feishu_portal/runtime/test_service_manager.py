"""What systemd is told, through a socket as it opens one."""

import os
import socket
import uuid

import pytest

from core.background.vitals import Vitals
from feishu_portal.runtime import service_manager
from feishu_portal.runtime.service_manager import WatchdogReports, tell, watchdog_seconds
from tests.events.handler_runs import until


@pytest.fixture
def heard(monkeypatch):
    """What was told by now."""
    name = f"\0feishu-portal-{uuid.uuid4().hex}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name)
        systemd.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", name.replace("\0", "@"))
        told: list[str] = []

        def read() -> list[str]:
            try:
                while True:
                    told.append(systemd.recv(100).decode())
            except BlockingIOError:
                return told

        yield read


@pytest.fixture
def own(monkeypatch) -> Vitals:
    made = Vitals()
    monkeypatch.setattr(service_manager, "vitals", made)
    return made


def test_states_reach_systemd(heard):
    tell(service_manager.READY)
    tell(service_manager.STOPPING)
    assert heard() == ["READY=1", "STOPPING=1"]


def test_socket_on_the_disk_is_reached_as_well(tmp_path, monkeypatch):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        tell(service_manager.READY)
        assert systemd.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "none", "@nobody-listens-here"])
def test_without_systemd_nothing_happens(monkeypatch, address):
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    tell(service_manager.READY)


@pytest.mark.parametrize(
    ("asked", "process", "seconds"),
    [
        ("30000000", None, 30.0),
        ("30000000", "own", 30.0),
        ("30000000", "1", None),
        ("", None, None),
        ("0", None, None),
        ("soon", None, None),
    ],
)
def test_watchdog_is_for_the_process_that_systemd_means(monkeypatch, asked, process, seconds):
    monkeypatch.setenv("WATCHDOG_USEC", asked)
    if process is None:
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
    else:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if process == "own" else process)
    assert watchdog_seconds() == seconds


def test_process_reports_for_as_long_as_its_parts_pass(heard, own):
    reports = WatchdogReports(0.02)
    reports.start()
    try:
        until(lambda: len(heard()) > 3, "it reports")
        assert set(heard()) == {"WATCHDOG=1"}
    finally:
        reports.stop()


def test_process_with_a_part_that_stands_still_is_silent(heard, own, monkeypatch):
    asked: list[None] = []
    own.ask_also(lambda: asked.append(None) or ["handlers"])
    reports = WatchdogReports(0.02)
    reports.start()
    try:
        until(lambda: len(asked) > 3, "it is asked")
        assert heard() == []
    finally:
        reports.stop()
