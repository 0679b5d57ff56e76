"""Notifying workers about authorizations, on commit. The sweep finds what a lost notification was about."""

from functools import partial
from uuid import UUID

from django.db import transaction

from core.background.notify import notify


def notify_card(session_id: UUID) -> None:
    """The session's card has to be sent or patched."""
    transaction.on_commit(partial(notify, "auth_sessions.sync_card", str(session_id)), robust=True)


def notify_refresh() -> None:
    """A grant is due."""
    transaction.on_commit(partial(notify, "auth_sessions.refresh_due"), robust=True)


def notify_revocation(revocation_id: UUID) -> None:
    """A revocation has to be sent to the platform and to the person."""
    transaction.on_commit(partial(notify, "auth_sessions.finish_revocation", str(revocation_id)), robust=True)
