"""Notices to persons whose authorization was revoked by somebody else."""

import logging
from datetime import timedelta
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from auth_sessions.cards.revocation import revocation_card
from auth_sessions.enums import Notice, PlatformReason
from auth_sessions.log_facts import of_revocation
from auth_sessions.models import Revocation
from core.access.actors import Actor
from core.background.retry import RetrySchedule
from core.log_context import log_context
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
RETRIES = RetrySchedule((10, 60, 600, 3600))
# The person revoked it, or can no longer be reached.
_WITHOUT_NOTICE = (PlatformReason.USER, PlatformReason.RESTRICTION)


def wants_notice(actor: Actor, reason: PlatformReason | None) -> bool:
    """Whether the person gets a notice that ``actor``, or the platform for ``reason``, revoked the grant."""
    return actor.kind != "user" and reason not in _WITHOUT_NOTICE


def send_notice(revocation_id: UUID) -> None:
    """Send the notice if it is due. Harmless to repeat: the platform sends once per uuid in an hour."""
    now = timezone.now()
    due = Revocation.objects.to_notify().filter(pk=revocation_id)
    if not due.update(notice_at=now + LEASE, notice_attempts=F("notice_attempts") + 1):
        return
    revocation = Revocation.objects.select_related("grant__bot").get(pk=revocation_id)
    rows, grant = Revocation.objects.filter(pk=revocation_id), revocation.grant
    with log_context(**of_revocation(revocation)):
        try:
            OpenAPI(grant.bot.credentials).send_card(
                grant.open_id, revocation_card(revocation), uuid=f"revoked-{revocation.pk}"
            )
        except FeishuError as error:
            logger.warning(
                "revocation_notice_not_sent", extra={"revocation": str(revocation.pk), "error": str(error)}
            )
            if error.retryable and not RETRIES.is_exhausted(revocation.notice_attempts):
                rows.update(notice_at=timezone.now() + RETRIES.pause_after(revocation.notice_attempts))
            else:
                rows.update(notice=Notice.FAILED)
        else:
            rows.update(notice=Notice.SENT)
