"""Keeping the card true: sent once, then changed in place whenever the session's state changed."""

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from auth_sessions.cards.authorization import authorization_card
from auth_sessions.domain.completion import fail_for_error
from auth_sessions.domain.device import claim_start, start_code
from auth_sessions.domain.sessions import authorize_link, end_session
from auth_sessions.enums import FailureReason, SessionState, Via
from auth_sessions.models import AuthSession
from auth_sessions.notify import notify_card
from core.access.actors import SYSTEM
from core.background.retry import RetrySchedule
from core.database.text import storable
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI

logger = logging.getLogger("auth_sessions.cards")

RETRIES = RetrySchedule((2, 10, 60, 300, 1800))
SWEEP_LIMIT = 500


def sync_card(session_id: UUID) -> None:
    """Send the session's card, or change the one that was sent to how things stand now. Harmless to repeat: sending
    carries the session's id, under which the platform sends once in an hour."""
    session = AuthSession.objects.select_related("bot", "device").filter(pk=session_id).first()
    if session is None or session.card_given_up or not _has_link(session):
        return
    if session.state == SessionState.PENDING:
        _send(session)
    elif session.message_id and session.state not in {session.card_state, SessionState.OPENED}:
        _change(session)


def _has_link(session: AuthSession) -> bool:
    """Whether the card can be shown: with the device code it needs a code first, which is got here if nobody else does."""
    if session.via != Via.DEVICE or not session.is_open or not session.device.wanted:
        return True
    if not claim_start(session):
        return False
    try:
        start_code(session)
    except FeishuError as error:
        if not _put_off(session, error):
            fail_for_error(session, error)
        return False
    return session.is_open


def _send(session: AuthSession) -> None:
    try:
        sent = OpenAPI(session.bot.credentials).send_card(
            session.open_id, authorization_card(session, link=authorize_link(session)), uuid=str(session.pk)
        )
    except FeishuError as error:
        if not _put_off(session, error):
            end_session(
                session,
                state=SessionState.FAILED,
                reason=FailureReason.CARD_NOT_SENT,
                error=error,
                actor=SYSTEM,
            )
        return
    AuthSession.objects.filter(pk=session.pk).update(
        message_id=sent.message_id,
        card_state=SessionState.SENT,
        card_attempts=0,
        card_retry_at=None,
        card_error="",
    )
    AuthSession.objects.filter(pk=session.pk, state=SessionState.PENDING).update(state=SessionState.SENT)
    notify_card(session.pk)


def _change(session: AuthSession) -> None:
    try:
        OpenAPI(session.bot.credentials).patch_card(
            session.message_id, authorization_card(session, link=authorize_link(session))
        )
    except FeishuError as error:
        if not _put_off(session, error):
            AuthSession.objects.filter(pk=session.pk).update(card_given_up=True)
        return
    shown = AuthSession.objects.filter(pk=session.pk, message_id=session.message_id).update(
        card_state=session.state, card_attempts=0, card_retry_at=None, card_error=""
    )
    if not shown:
        _sync_successor(session)


def _sync_successor(session: AuthSession) -> None:
    """A click on "Try again" took the message over while it was being changed: what was written is out of date."""
    successor = AuthSession.objects.filter(bot=session.bot, message_id=session.message_id)
    successor.update(card_state="")
    for session_id in successor.values_list("pk", flat=True):
        notify_card(session_id)


def _put_off(session: AuthSession, error: FeishuError) -> bool:
    """Note the failure; False when trying again would not help or was tried often enough."""
    logger.warning("card_not_shown", extra={"session": str(session.pk), "error": str(error)})
    attempts = session.card_attempts + 1
    again = error.retryable and not RETRIES.is_exhausted(attempts)
    AuthSession.objects.filter(pk=session.pk).update(
        card_attempts=F("card_attempts") + 1,
        card_retry_at=timezone.now() + RETRIES.pause_after(attempts) if again else None,
        card_error=storable(str(error), 500),
    )
    return again


def cards_to_sync() -> list[UUID]:
    """Sessions whose card was not sent or is not true any more, because a hint was lost or a try is due again."""
    now = timezone.now()
    age = now - timedelta(seconds=settings.SWEEP_SECONDS)
    unsent = AuthSession.objects.filter(state=SessionState.PENDING, created_at__lt=age).exclude(
        card_retry_at__gt=now
    )
    stale = AuthSession.objects.card_out_of_date()
    ids = [
        *unsent.values_list("pk", flat=True)[:SWEEP_LIMIT],
        *stale.values_list("pk", flat=True)[:SWEEP_LIMIT],
    ]
    return list(dict.fromkeys(ids))
