"""Keeping the card in step with its session: sent once, then patched in place whenever the state has changed.

Not a ``bots.card_sync.CardSync``: docs/adr/0008 says why.
"""

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
from auth_sessions.log_facts import of_session
from auth_sessions.models import AuthSession
from auth_sessions.notify import notify_card
from bots.card_sync import failed_attempt
from core.access.actors import SYSTEM
from core.background.retry import RetrySchedule
from core.database.connections import give_back
from core.log_context import log_context
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI

logger = logging.getLogger(__name__)

RETRIES = RetrySchedule((2, 10, 60, 300, 1800))
SWEEP_LIMIT = 500


def sync_card(session_id: UUID) -> None:
    """Send the session's card, or patch the one that was sent to the session's state. Harmless to repeat: the platform sends
    once an hour under one uuid, which is the session's id."""
    session = AuthSession.objects.select_related("bot", "device", "client").filter(pk=session_id).first()
    if session is None or session.card_given_up:
        return
    with log_context(**of_session(session)):
        _show(session)


def _show(session: AuthSession) -> None:
    if not _ensure_link(session):
        return
    if session.state == SessionState.PENDING:
        _send(session)
    elif session.message_id and session.state not in {session.card_state, SessionState.OPENED}:
        _patch(session)


def _ensure_link(session: AuthSession) -> bool:
    """Whether the card has a link to show. By device code it needs a code first, which is got here if nobody else does."""
    if session.via != Via.DEVICE or not session.is_open or not session.device.needs_code:
        return True
    if not claim_start(session):
        return False
    try:
        start_code(session)
    except FeishuError as error:
        if not _schedule_retry(session, error):
            fail_for_error(session, error)
        return False
    return session.is_open


def _send(session: AuthSession) -> None:
    card, api = authorization_card(session, link=authorize_link(session)), OpenAPI(session.bot.credentials)
    give_back(before_waiting=True)
    try:
        sent = api.send_card(session.open_id, card, uuid=str(session.pk))
    except FeishuError as error:
        if not _schedule_retry(session, error):
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


def _patch(session: AuthSession) -> None:
    card, api = authorization_card(session, link=authorize_link(session)), OpenAPI(session.bot.credentials)
    give_back(before_waiting=True)
    try:
        api.patch_card(session.message_id, card)
    except FeishuError as error:
        if not _schedule_retry(session, error):
            AuthSession.objects.filter(pk=session.pk).update(card_given_up=True)
        return
    shown = AuthSession.objects.filter(pk=session.pk, message_id=session.message_id).update(
        card_state=session.state, card_attempts=0, card_retry_at=None, card_error=""
    )
    if not shown:
        _sync_successor(session)


def mark_shown(session: AuthSession) -> None:
    """The card shows the session's state, as the answer to a click: it needs no patch."""
    AuthSession.objects.filter(pk=session.pk, state=session.state).update(card_state=session.state)


def _sync_successor(session: AuthSession) -> None:
    """A click on "Try again" gave the message to a new session while it was being patched: the card shows the old one."""
    successor = AuthSession.objects.filter(bot=session.bot, message_id=session.message_id)
    successor.update(card_state="")
    for session_id in successor.values_list("pk", flat=True):
        notify_card(session_id)


def _schedule_retry(session: AuthSession, error: FeishuError) -> bool:
    """Record the failure; False when no retry would help or none is left."""
    failed = failed_attempt(error, attempts=session.card_attempts + 1, retries=RETRIES)
    logger.warning("card_sync_failed", extra={"session": str(session.pk), "error": failed["card_error"]})
    AuthSession.objects.filter(pk=session.pk).update(card_attempts=F("card_attempts") + 1, **failed)
    return failed["card_retry_at"] is not None


def cards_to_sync() -> list[UUID]:
    """Sessions whose card is unsent or out of date, because a notification was lost or a retry is due."""
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
