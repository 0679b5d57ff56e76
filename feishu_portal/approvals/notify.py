"""Notifying workers about approvals, on commit. The sweep finds what a lost notification was about."""

from functools import partial
from uuid import UUID

from django.db import transaction

from core.background.notify import notify


def notify_card(approval_pk: UUID) -> None:
    """The card has to be sent or patched."""
    transaction.on_commit(partial(notify, "approvals.sync_card", str(approval_pk)), robust=True)


def notify_send(approval_pk: UUID) -> None:
    """The call has been approved."""
    transaction.on_commit(partial(notify, "approvals.send", str(approval_pk)), robust=True)
