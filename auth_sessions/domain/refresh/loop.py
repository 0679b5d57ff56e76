"""The refresher of one process: one pass at a time, however many task messages ask for one."""

from threading import Event, Lock

from celery.worker import state

from auth_sessions.domain.refresh.refresher import Pass
from bots.enums import ProcessPart
from core.background.notify import notify
from core.background.vitals import vitals

HANGS_AFTER = 120.0
"""Seconds for a step of a pass; what it waits for, the platform and the database, has timeouts of seconds."""

_running, _wanted = Lock(), Event()


def run_passes() -> bool:
    """Refresh what is due. While a pass is under way, this wakes it, or makes it start over, and returns.

    False where the last pass sent nothing, since it could keep no answer: nobody is to take that for a pass.
    """
    could_keep_answers = True
    _wanted.set()
    while _wanted.is_set() and not is_worker_stopping() and _running.acquire(blocking=False):
        try:
            _wanted.clear()
            refreshing = Pass(wake=_wanted, stopping=is_worker_stopping)
            with vitals.under_way(ProcessPart.REFRESH, within=HANGS_AFTER):
                refreshing.run()
            could_keep_answers = refreshing.could_keep_answers
        finally:
            _running.release()
        if refreshing.is_unfinished:
            # By a message and not in this loop, so that a worker that is asked to stop between two passes does.
            notify("auth_sessions.refresh_due")
    return could_keep_answers


def is_worker_stopping() -> bool:
    """Whether this Celery worker was asked to end. In a pool of processes only the parent knows: there a pass's own length
    bounds the wait."""
    asked: tuple[object, ...] = (state.should_stop, state.should_terminate)
    return any(exit_code is not None and exit_code is not False for exit_code in asked)
