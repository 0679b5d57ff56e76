"""Celery's programs as processes of the portal: when they begin and end, and what shows that they do their work."""

from typing import Any, Final

from billiard.process import current_process
from celery import bootsteps, signals
from celery.beat import PersistentScheduler, Scheduler
from celery.concurrency.prefork import TaskPool
from django.conf import settings
from django.db import close_old_connections

from bots.enums import ProcessKind, ProcessPart, ProcessRole
from core.background.vitals import vitals
from core.database.connections import keep_open
from feishu_portal.queues import DEFAULT_QUEUE, REFRESH_QUEUE
from feishu_portal.runtime.garbage import share_with_children
from feishu_portal.runtime.metrics import tasks
from feishu_portal.runtime.pool_vitals import PoolVitals
from feishu_portal.runtime.process import begin_process, end_process, process_is_ready, process_is_stopping

TICK: Final = 5.0
"""Seconds between two signs of life of a consumer."""
HANGS_AFTER: Final = 90.0
"""Seconds without one, and without a tick of the scheduler. A broker that does not answer holds both up for 20 or so."""
QUEUES: Final = {DEFAULT_QUEUE: ProcessRole.WORK, REFRESH_QUEUE: ProcessRole.REFRESH}
"""What a worker does that takes the tasks of these."""

_pool: PoolVitals | None = None
_keeps_connections = False
"""Whether a thread that runs tasks keeps its connection to the database from one to the next. The few of a worker do; the
threads of runportal, which are more, open one when they need it."""


class ConsumerPulse(bootsteps.StartStopStep):
    """Shows that the loop which receives tasks turns. While the broker is away there is none: nobody misses it."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._entry: Any = None

    def start(self, consumer: Any) -> None:
        vitals.expect(ProcessPart.TASKS, within=HANGS_AFTER)
        self._entry = consumer.timer.call_repeatedly(TICK, vitals.passed, (ProcessPart.TASKS,))

    def stop(self, _consumer: Any) -> None:
        vitals.forget(ProcessPart.TASKS)
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None

    shutdown = stop


class _Ticking:
    """A scheduler whose ticks are noted. Its schedule is that of the settings, and stays."""

    def schedules_equal(self, *_schedules: Any, **_options: Any) -> bool:
        return True  # compared entry by entry otherwise, at each tick

    def tick(self, *arguments: Any, **options: Any) -> Any:
        vitals.passed(ProcessPart.SCHEDULE)
        return super().tick(*arguments, **options)  # type: ignore[misc]  # of the class it is mixed into


class PersistentTicking(_Ticking, PersistentScheduler):
    """Of ``celery beat``."""


class Ticking(_Ticking, Scheduler):
    """Of ``runportal``."""


def prepare_worker() -> None:
    """Before its pool is forked."""
    global _pool  # noqa: PLW0603 -- one for the process
    tasks.prepare_pool()
    _pool = PoolVitals()


@signals.worker_before_create_process.connect
def prepare_fork(**_options: object) -> None:
    """Of each child, those that take another one's place included."""
    share_with_children()


@signals.worker_process_init.connect
def begin_child(**_options: object) -> None:
    """In a child of a prefork worker, where nothing is expected yet."""
    keep_connections()
    if _pool is not None:
        vitals.mirror = _pool.mirror_of(getattr(current_process(), "index", -1))


@signals.worker_ready.connect
def begin_worker(sender: Any, **_options: object) -> None:
    """``sender``: the worker's consumer. One that takes refreshes alone is the refresher."""
    queues = set(sender.app.amqp.queues.consume_from)
    is_prefork = isinstance(sender.pool, TaskPool)
    if is_prefork:
        tasks.receive_from_children(sender.pool)
        if _pool is not None:
            vitals.ask_also(_children_standing_still)
    kind = ProcessKind.REFRESHER if queues == {REFRESH_QUEUE} else ProcessKind.WORKER
    roles = [role for queue, role in QUEUES.items() if queue in queues]
    if begin_process(kind, roles=roles, has_children=is_prefork):
        keep_connections()
    process_is_ready(kind)


def keep_connections() -> None:
    """The threads of this process that run tasks keep their connections."""
    global _keeps_connections  # noqa: PLW0603 -- one for the process
    _keeps_connections = True


@signals.task_prerun.connect
@signals.task_postrun.connect
def settle_connection(sender: Any, **_options: object) -> None:
    """Close the connection of this thread where it is not kept, or broke. CELERY_DB_REUSE_MAX leaves that to the portal: Celery
    would open one for every task."""
    if sender.request.is_eager:
        return
    if _keeps_connections:
        keep_open()
    close_old_connections()


def _children_standing_still() -> list[str]:
    return [ProcessPart.HANDLERS] if _pool is not None and _pool.overdue() else []


@signals.worker_shutting_down.connect
def announce_end(**_options: object) -> None:
    for kind in (ProcessKind.WORKER, ProcessKind.REFRESHER):
        process_is_stopping(kind)


@signals.worker_shutdown.connect
def end_worker(**_options: object) -> None:
    for kind in (ProcessKind.WORKER, ProcessKind.REFRESHER):
        end_process(kind)


def begin_beat() -> None:
    """Before the scheduler sends its first task; its ticks are seconds apart."""
    tasks.note_sent_tasks()
    vitals.expect(ProcessPart.SCHEDULE, within=HANGS_AFTER + settings.SWEEP_SECONDS)
    begin_process(ProcessKind.BEAT)
    process_is_ready(ProcessKind.BEAT)


def end_beat() -> None:
    vitals.forget(ProcessPart.SCHEDULE)
    process_is_stopping(ProcessKind.BEAT)
    end_process(ProcessKind.BEAT)
