"""Celery tasks: a few lines each, primitives only. The ``refresh_*`` tasks have a queue of their own."""

from uuid import UUID

from celery import shared_task

from auth_sessions.domain import refresh
from auth_sessions.domain.revocation import tell_platform, unfinished_revocations
from auth_sessions.domain.revocation_notice import tell_person
from auth_sessions.domain.sessions import expire_sessions
from auth_sessions.domain.showing import cards_to_show
from auth_sessions.domain.showing import show_card as show_card_of
from auth_sessions.domain.uses import prune_uses as prune_old_uses
from events.hints import send_hint


@shared_task(name="auth_sessions.show_card")
def show_card(session_id: str) -> None:
    show_card_of(UUID(session_id))


@shared_task(name="auth_sessions.sweep")
def sweep() -> None:
    expire_sessions()
    for session_id in cards_to_show():
        send_hint(show_card.delay, str(session_id))
    for revocation_id in unfinished_revocations():
        send_hint(finish_revocation.delay, str(revocation_id))


@shared_task(name="auth_sessions.finish_revocation")
def finish_revocation(revocation_id: str) -> None:
    tell_platform(UUID(revocation_id))
    tell_person(UUID(revocation_id))


@shared_task(name="auth_sessions.refresh_due")
def refresh_due() -> None:
    refresh.recover()
    for grant_id, generation in refresh.due_grants():
        send_hint(refresh_one.delay, str(grant_id), generation)


@shared_task(name="auth_sessions.refresh_one")
def refresh_one(grant_id: str, generation: int) -> None:
    refresh.refresh(UUID(grant_id), generation)


@shared_task(name="auth_sessions.prune_uses")
def prune_uses() -> None:
    prune_old_uses()
