"""Notifications to the workers about authorizations, sent on commit; the sweep does what a lost one asked for."""

from functools import partial
from uuid import UUID

from django.db import transaction

from core.background.notify import notify


def notify_card(session_id: UUID) -> None:
    """The session's card has to be sent or brought up to date."""
    transaction.on_commit(partial(notify, "auth_sessions.sync_card", str(session_id)), robust=True)


def notify_refresh() -> None:
    """A grant is due."""
    transaction.on_commit(partial(notify, "auth_sessions.refresh_due"), robust=True)


def notify_revocation(revocation_id: UUID) -> None:
    """Platform and person have to hear of a revocation."""
    transaction.on_commit(partial(notify, "auth_sessions.finish_revocation", str(revocation_id)), robust=True)
