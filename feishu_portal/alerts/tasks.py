"""Celery tasks: a few lines each, primitives only."""

from contextlib import suppress

from celery import shared_task

from core.background.notify import notify
from core.database import retention
from core.database.compiled import AnyRows
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError
from feishu_portal.alerts.card_sync import CARDS
from feishu_portal.alerts.models import AlertGroup
from feishu_portal.alerts.retention import overdue

_LEFT = AnyRows(cards=lambda: AlertGroup.objects.card_out_of_date().order_by("card_retry_at"))
"""Without any the sweep has nothing to look for."""


@shared_task(name="alerts.sync_card")
def sync_card(group_pk: int) -> None:
    with suppress(FeishuError, SealedValueError):  # noted at the group, which the sweep finds again
        CARDS.sync(group_pk)


@shared_task(name="alerts.sweep")
def sweep() -> None:
    if not _LEFT.found():
        return
    for group_pk in CARDS.due():
        notify("alerts.sync_card", group_pk)


@shared_task(name="alerts.prune")
def prune() -> None:
    retention.prune(overdue())
