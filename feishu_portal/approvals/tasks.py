"""Celery tasks: a few lines each, primitives only."""

from contextlib import suppress
from uuid import UUID

from celery import shared_task

from core.background.notify import notify
from core.database import retention
from core.database.compiled import AnyRows
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError
from feishu_portal.approvals.card_sync import CARDS
from feishu_portal.approvals.carrying_out import give_up_interrupted, to_send
from feishu_portal.approvals.ending import expire
from feishu_portal.approvals.models import CallApproval
from feishu_portal.approvals.retention import forget_answers, overdue

_LEFT = AnyRows(
    open=lambda: CallApproval.objects.open().order_by("state", "expires_at"),
    cards=lambda: CallApproval.objects.card_out_of_date().order_by("card_retry_at"),
)
"""Without any of these the sweep has nothing to look for."""


@shared_task(name="approvals.sync_card")
def sync_card(approval_pk: str) -> None:
    with suppress(FeishuError, SealedValueError):  # noted at the approval, which the sweep finds again
        CARDS.sync(UUID(approval_pk))


@shared_task(name="approvals.send")
def send(approval_pk: str) -> None:
    # The API takes memory that a worker without approvals does not need.
    from feishu_portal.api.proxy.approved import send_approved  # noqa: PLC0415 -- see above

    send_approved(UUID(approval_pk))


@shared_task(name="approvals.sweep")
def sweep() -> None:
    left = _LEFT.found()
    if "open" in left:
        expire()
        give_up_interrupted()
        for approval_pk in to_send():
            notify("approvals.send", str(approval_pk))
    if left:  # an approval that has just expired has a card to be changed
        for approval_pk in CARDS.due():
            notify("approvals.sync_card", str(approval_pk))


@shared_task(name="approvals.prune")
def prune() -> None:
    forget_answers()
    retention.prune(overdue())
