"""What Celery's processes tell: the passes of their tasks."""

from typing import Any

from celery import signals
from celery.concurrency.prefork import TaskPool
from django.conf import settings

from core.metrics.registry import counter, gauge
from feishu.text import Text
from feishu_portal.runtime.metrics.pool import PoolMetrics
from feishu_portal.runtime.metrics.server import leave_port_to_parent

_passed = gauge(
    "feishu_last_pass_timestamp_seconds",
    Text(
        "定时任务最近一次成功执行的时间；auth_sessions.refresh_due 即令牌刷新，无法保存刷新结果时不计。",
        "When a scheduled task last ran to its end; auth_sessions.refresh_due is the refresher, where it can keep answers.",
    ),
    "task",
)
_failed = counter(
    "feishu_task_failures_total",
    Text("以错误结束的任务次数。", "Runs of a task that ended with an error."),
    "task",
)
_beat = gauge(
    "feishu_last_beat_timestamp_seconds",
    Text("调度器最近一次发出定时任务的时间。", "When the scheduler last sent a scheduled task."),
)

_pool: PoolMetrics | None = None


def prepare_pool() -> None:
    """Before the pool is forked."""
    global _pool  # noqa: PLW0603 -- one for the process
    if settings.METRICS_PORT:
        _pool = PoolMetrics()


def receive_from_children(pool: Any) -> None:
    """``pool``: the worker's."""
    if _pool is not None and isinstance(pool, TaskPool):
        _pool.receive()


@signals.worker_process_init.connect
def begin_in_child(**_options: object) -> None:
    leave_port_to_parent()
    if _pool is not None:
        _pool.begin()


@signals.worker_process_shutdown.connect
def send_from_child(**_options: object) -> None:
    if _pool is not None:
        _pool.send()


def note_sent_tasks() -> None:
    """In the scheduler, before it sends its first task."""
    signals.after_task_publish.connect(note_beat)


def note_beat(sender: str = "", **_options: object) -> None:
    """``sender``: the name of a task that was sent."""
    if sender in settings.CELERY_BEAT_SCHEDULE:
        _beat.set_to_current_time()


@signals.task_success.connect
def note_pass(sender: Any = None, result: object = None, **_options: object) -> None:
    """``result``: of the task; False says that it did not do its work, which is no pass."""
    if (
        sender is not None
        and result is not False
        and sender.name in {*settings.CELERY_BEAT_SCHEDULE, *settings.SWEEPS}
    ):
        _passed.labels(sender.name).set_to_current_time()


@signals.task_failure.connect
def note_failure(sender: Any = None, **_options: object) -> None:
    if sender is not None:
        _failed.labels(sender.name).inc()
