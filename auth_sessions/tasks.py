"""Celery tasks: a few lines each, primitives only. The ``refresh_*`` tasks have a queue of their own."""

from threading import Event, Lock
from uuid import UUID

from celery import shared_task
from celery.worker import state

from auth_sessions.domain.card_sync import cards_to_show
from auth_sessions.domain.card_sync import show_card as show_card_of
from auth_sessions.domain.device import codes_to_poll
from auth_sessions.domain.device import poll_device as poll_device_of
from auth_sessions.domain.refresh.refresher import Pass
from auth_sessions.domain.reminders import remind_of_ends
from auth_sessions.domain.revocation.notice import tell_person
from auth_sessions.domain.revocation.service import tell_platform, unfinished_revocations
from auth_sessions.domain.self_service import prune_links
from auth_sessions.domain.sessions import end_overdue_sessions
from auth_sessions.domain.tokens.uses import prune_uses as prune_old_uses
from core.background.notify import notify


@shared_task(name="auth_sessions.show_card")
def show_card(session_id: str) -> None:
    show_card_of(UUID(session_id))


@shared_task(name="auth_sessions.sweep")
def sweep() -> None:
    end_overdue_sessions()
    prune_links()
    remind_of_ends()
    for session_id in cards_to_show():
        notify("auth_sessions.show_card", str(session_id))
    for session_id in codes_to_poll():
        notify("auth_sessions.poll_device", str(session_id))
    for revocation_id in unfinished_revocations():
        notify("auth_sessions.finish_revocation", str(revocation_id))


@shared_task(name="auth_sessions.poll_device")
def poll_device(session_id: str) -> None:
    poll_device_of(UUID(session_id))


@shared_task(name="auth_sessions.finish_revocation")
def finish_revocation(revocation_id: str) -> None:
    tell_platform(UUID(revocation_id))
    tell_person(UUID(revocation_id))


@shared_task(name="auth_sessions.refresh_due")
def refresh_due() -> None:
    """One pass at a time in a process; who comes meanwhile wakes it, or makes it start over."""
    _wake.set()
    while _wake.is_set() and not _is_stopping() and _one_pass.acquire(blocking=False):
        try:
            _wake.clear()
            one = Pass(wake=_wake, stopping=_is_stopping)
            one.run()
        finally:
            _one_pass.release()
        if one.is_unfinished:
            notify(
                "auth_sessions.refresh_due"
            )  # a worker that is asked to end between two passes does not take it


_one_pass, _wake = Lock(), Event()


def _is_stopping() -> bool:
    """Whether this worker was asked to end. With a pool of processes only the parent knows: a pass is short for that."""
    asked: tuple[object, ...] = (state.should_stop, state.should_terminate)
    return any(exit_code is not None and exit_code is not False for exit_code in asked)


@shared_task(name="auth_sessions.prune_uses")
def prune_uses() -> None:
    prune_old_uses()
