"""A process of the portal from when it can do its work until it ends: its port, its heartbeat, and what the service manager is
told."""

import threading
from collections.abc import Collection
from typing import Final
from uuid import uuid4

from bots.enums import ProcessKind, ProcessRole
from bots.processes.heartbeats import ThisProcess
from core.background.stopping import stopping
from feishu_portal.runtime import health, service_manager
from feishu_portal.runtime.metrics.server import serve_metrics, stop_serving_metrics
from feishu_portal.runtime.node import node_name
from feishu_portal.runtime.pulse import Pulse
from feishu_portal.runtime.service_manager import WatchdogReports

ROLES: Final[dict[ProcessKind, Collection[ProcessRole]]] = {
    ProcessKind.WEB: (),
    ProcessKind.RUNFEISHU: (ProcessRole.LISTEN,),
    ProcessKind.WORKER: (ProcessRole.WORK,),
    ProcessKind.REFRESHER: (ProcessRole.REFRESH,),
    ProcessKind.BEAT: (ProcessRole.SCHEDULE,),
    ProcessKind.RUNPORTAL: tuple(ProcessRole),
}

process_id: Final = uuid4()
"""Under which the heartbeats of this process are written."""
_lock = threading.Lock()
_kind: str | None = None
_reports: WatchdogReports | None = None
_pulse: Pulse | None = None


def begin_process(
    kind: ProcessKind,
    *,
    roles: Collection[ProcessRole] | None = None,
    port: int | None = None,
    has_children: bool = False,
) -> bool:
    """Once: a worker or a scheduler inside runportal is no process of its own, and nothing that it says of itself counts. False
    for those.

    ``roles``: what it does, those of its kind by default; ``port``: of its metrics and health, FEISHU_METRICS_PORT by default;
    ``has_children``: it forks."""
    global _kind, _reports, _pulse  # noqa: PLW0603 -- one for the process
    with _lock:
        if _kind is not None:
            return False
        _kind = kind
    health.tell_process(kind)
    serve_metrics(kind, port=port)
    if seconds := service_manager.watchdog_seconds():
        _reports = WatchdogReports(seconds)
        _reports.start()
    me = ThisProcess(kind, ROLES[kind] if roles is None else roles, name=node_name(), id=process_id)
    _pulse = Pulse(me, has_children=has_children)
    _pulse.start()
    return True


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
    global _kind, _reports, _pulse  # noqa: PLW0603 -- one for the process
    with _lock:
        if kind != _kind:
            return
        _kind = None
    if _reports is not None:
        _reports.stop()
        _reports = None
    if _pulse is not None:
        _pulse.stop()
        _pulse = None
    stop_serving_metrics()
