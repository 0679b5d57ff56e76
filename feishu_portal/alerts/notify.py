"""Notifying workers about alerts, on commit. The sweep finds what a lost notification was about."""

from functools import partial

from django.db import transaction

from core.background.notify import notify


def notify_card(group_pk: int) -> None:
    """The group's card has to be sent or patched."""
    transaction.on_commit(partial(notify, "alerts.sync_card", group_pk), robust=True)
