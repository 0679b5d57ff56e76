"""A process of the portal from when it can do its work until it ends: its port, and what the service manager is told."""

import threading

from core.background.stopping import stopping
from feishu_portal.runtime import health, service_manager
from feishu_portal.runtime.metrics.server import serve_metrics, stop_serving_metrics
from feishu_portal.runtime.service_manager import WatchdogReports

_lock = threading.Lock()
_kind: str | None = None
_reports: WatchdogReports | None = None


def begin_process(kind: str, *, port: int | None = None) -> None:
    """Once: a worker or a scheduler inside runportal is no process of its own, and nothing that it says of itself counts.

    ``kind``: one of ``ProcessKind``; ``port``: of its metrics and health, FEISHU_METRICS_PORT by default."""
    global _kind, _reports  # noqa: PLW0603 -- one for the process
    with _lock:
        if _kind is not None:
            return
        _kind = kind
    health.tell_process(kind)
    serve_metrics(kind, port=port)
    if seconds := service_manager.watchdog_seconds():
        _reports = WatchdogReports(seconds)
        _reports.start()


def process_is_ready(kind: str) -> None:
    """It does its work from now on."""
    if kind == _kind:
        service_manager.tell(service_manager.READY)


def process_is_stopping(kind: str) -> None:
    """It was asked to end, and finishes what it holds. It goes on reporting that it lives."""
    if kind == _kind and not stopping.is_asked:
        stopping.ask()
        service_manager.tell(service_manager.STOPPING)


def end_process(kind: str) -> None:
    """Close what was opened."""
    global _kind, _reports  # noqa: PLW0603 -- one for the process
    with _lock:
        if kind != _kind:
            return
        _kind = None
    if _reports is not None:
        _reports.stop()
        _reports = None
    stop_serving_metrics()
