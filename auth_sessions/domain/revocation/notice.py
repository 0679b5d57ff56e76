"""Telling a person that what they had allowed is over, when it was not they who ended it."""

import logging
from datetime import timedelta
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from auth_sessions.enums import Notice, PlatformReason
from auth_sessions.models import Revocation
from auth_sessions.revocation_card import revocation_card
from core.access.actors import Actor
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI

logger = logging.getLogger("auth_sessions.revocation")

LEASE = timedelta(seconds=60)
WAIT = (10, 60, 600, 3600)  # seconds before the notice is tried again
# The person did it, or can no longer be reached.
_UNTOLD = (PlatformReason.USER, PlatformReason.RESTRICTION)


def wants_notice(actor: Actor, reason: PlatformReason | None) -> bool:
    """Whether the person has to hear that ``actor``, or the platform for ``reason``, ended the grant."""
    return actor.kind != "user" and reason not in _UNTOLD


def tell_person(revocation_id: UUID) -> None:
    """Send the notice if it is due. Harmless to repeat: the platform sends once per uuid in an hour."""
    now = timezone.now()
    due = Revocation.objects.to_tell_person().filter(pk=revocation_id)
    if not due.update(notice_at=now + LEASE, notice_tries=F("notice_tries") + 1):
        return
    revocation = Revocation.objects.select_related("grant__bot").get(pk=revocation_id)
    grant = revocation.grant
    try:
        OpenAPI(grant.bot.credentials).send_card(
            grant.open_id, revocation_card(revocation), uuid=f"revoked-{revocation.pk}"
        )
    except FeishuError as error:
        logger.warning(
            "revocation_notice_not_sent", extra={"revocation": str(revocation.pk), "error": str(error)}
        )
        _put_off(revocation, again=error.retryable and revocation.notice_tries <= len(WAIT))
        return
    Revocation.objects.filter(pk=revocation.pk).update(notice=Notice.SENT)


def _put_off(revocation: Revocation, *, again: bool) -> None:
    rows = Revocation.objects.filter(pk=revocation.pk)
    if again:
        wait = timedelta(seconds=WAIT[revocation.notice_tries - 1])
        rows.update(notice_at=timezone.now() + wait)
    else:
        rows.update(notice=Notice.FAILED)
