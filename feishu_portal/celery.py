"""The Celery application. Its messages are notifications: every one can be lost or doubled without harm."""

import os
from functools import cached_property
from typing import Any

from celery import Celery, Task, signals
from structlog.contextvars import bind_contextvars, clear_contextvars

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")
# Celery would run Django's checks, for which every page is loaded, and discard their messages.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")


@signals.setup_logging.connect
def keep_our_logging(**_options: object) -> None:
    """Celery sets up logging of its own unless this signal has a receiver; the portal's redacts."""
    from feishu_portal.logs import log_uncaught  # noqa: PLC0415 -- not for those who only send messages

    log_uncaught()


@signals.worker_init.connect
@signals.beat_init.connect
def refuse_wrong_keys(**_options: object) -> None:
    """A worker that cannot open the secrets of this database would fail task by task. One that is passive says so at once."""
    from core.database.connections import close_own  # noqa: PLC0415 -- models are there only now
    from core.installation.watch import watch  # noqa: PLC0415 -- see above
    from core.vault.canary import verify_keys  # noqa: PLC0415 -- see above
    from core.vault.keyring import SealedValueError  # noqa: PLC0415 -- see above

    try:
        verify_keys()
    except SealedValueError as error:
        raise SystemExit(str(error)) from error
    watch.current()
    close_own()  # the pool's processes get connections of their own


@signals.worker_init.connect
@signals.beat_init.connect
def say_start(signal: Any, **_options: object) -> None:
    """After the keys were tried: Celery calls receivers in the order in which they were connected."""
    from feishu_portal.runtime.observing import begin_observing  # noqa: PLC0415 -- not for those who only send messages

    begin_observing("beat" if signal is signals.beat_init else "worker")


@signals.worker_init.connect
def prepare_worker(**_options: object) -> None:
    from feishu_portal.runtime import celery_process  # noqa: PLC0415 -- see above

    celery_process.prepare_worker()


@signals.beat_init.connect
def begin_beat(**_options: object) -> None:
    from feishu_portal.runtime import celery_process  # noqa: PLC0415 -- see above

    celery_process.begin_beat()


@signals.task_prerun.connect
def begin_log_context(task_id: str, task: Any, **_options: object) -> None:
    """Lines of a task say which it is; whatever an earlier one left behind in the thread is gone."""
    clear_contextvars()
    bind_contextvars(task=task.name, task_id=task_id)


@signals.task_postrun.connect
def end_log_context(**_options: object) -> None:
    """The thread goes on to other work."""
    clear_contextvars()


class Portal(Celery):
    """With programs of the portal's own in the places of ``celery worker`` and ``celery beat``.

    By their names: a process that only sends messages need not load them.
    """

    @cached_property
    def Worker(self) -> Any:  # noqa: N802 -- Celery's name
        return self._program("feishu_portal.celery_programs:LoggedWorker")

    @cached_property
    def Beat(self) -> Any:  # noqa: N802 -- Celery's name
        return self._program("feishu_portal.celery_programs:LoggedBeat")

    def _program(self, name: str) -> Any:
        return self.subclass_with_self(name)  # type: ignore[arg-type]  # the stubs know classes alone


class StandsStill(Task):  # type: ignore[type-arg]  # generic in the stubs alone
    """A task of a portal that works with a copy of its database does nothing: rows say what is to be done, and stay."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from core.installation.watch import watch  # noqa: PLC0415 -- models are there only now

        return None if watch.is_passive() else super().__call__(*args, **kwargs)


app: "Celery[Any]" = Portal("feishu_portal", task_cls=StandsStill)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["consumer"].add("feishu_portal.runtime.celery_process:ConsumerPulse")
app.autodiscover_tasks()
