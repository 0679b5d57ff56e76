"""Consent by device code: the person consents on the platform's own page, and the portal polls for the outcome (RFC 8628).

For a portal that no browser reaches from outside. A code is requested when the card is sent, or when the person clicks
for the next one, and workers poll for its outcome as long as it lives: the row says when, a conditional UPDATE by whom.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from auth_sessions.domain.completion import complete, fail, fail_for_error
from auth_sessions.domain.sessions import end_session
from auth_sessions.enums import Deliver, FailureReason, SessionState, Via
from auth_sessions.log_facts import of_session
from auth_sessions.models import AuthSession, DeviceConsent
from auth_sessions.notify import notify_card
from core.access.actors import SYSTEM, Actor
from core.database.connections import give_back
from core.database.text import storable
from core.log_context import log_context
from core.vault.fields import encrypted_field
from feishu.device_code import SLOW_DOWN_SECONDS, DeviceCodes, Waiting
from feishu.errors import APIError, FeishuError, OAuthError, RateLimited
from feishu.oauth import OAuth

logger = logging.getLogger(__name__)

START_TIMEOUT = 5.0  # seconds
START_LEASE = timedelta(seconds=15)
POLL_LEASE = timedelta(seconds=45)  # three times the longest call
GRACE = timedelta(minutes=1)  # after the end of a code, for the answer of the last poll
MAX_INTERVAL = 60  # seconds
MAX_LIFE = timedelta(hours=1)  # of a code, whatever the platform says
SWEEP_LIMIT = 500
CLOCK_DIFFERENCE = timedelta(seconds=15)
"""The platform may answer ``invalid_grant`` to a code that has expired by its clock and not yet by ours."""


@dataclass(frozen=True, slots=True)
class Poll:
    """A claimed poll: one call to the platform, whose answer is stored only while ``until`` is in the row."""

    consent: DeviceConsent
    until: datetime
    was_interrupted: bool

    @property
    def session(self) -> AuthSession:
        return self.consent.session


def claim_start(session: AuthSession) -> bool:
    """Whether the caller is the one to get the code that the session needs."""
    now = timezone.now()
    free = Q(start_lease_until=None) | Q(start_lease_until__lt=now)
    without = DeviceConsent.objects.filter(free, pk=session.pk, needs_code=True)
    return bool(without.update(start_lease_until=now + START_LEASE))


def start_code(session: AuthSession) -> None:
    """Get a code from the platform, after ``claim_start``: one call of at most five seconds. Raises FeishuError; the session
    still needs a code then."""
    codes = DeviceCodes(session.bot.credentials)
    give_back(before_waiting=True)
    try:
        code = codes.start(session.scopes, timeout=START_TIMEOUT)
    except FeishuError as error:
        DeviceConsent.objects.filter(pk=session.pk).update(
            start_lease_until=None, error=storable(str(error), 500)
        )
        raise
    now, row = timezone.now(), DeviceConsent(session=session)
    ends = now + min(timedelta(seconds=code.expires_in), MAX_LIFE)
    interval = min(code.interval, MAX_INTERVAL)
    with transaction.atomic():
        held = AuthSession.objects.open().select_for_update(no_key=True).filter(pk=session.pk).first()
        if held is None:
            return
        DeviceConsent.objects.filter(pk=session.pk).update(
            device_code=encrypted_field(DeviceConsent, "device_code").seal_for(row, code.device_code),
            user_code=encrypted_field(DeviceConsent, "user_code").seal_for(row, code.user_code),
            verification_uri=encrypted_field(DeviceConsent, "verification_uri").seal_for(
                row, code.verification_uri
            ),
            needs_code=False,
            start_lease_until=None,
            expires_at=ends,
            interval=interval,
            next_poll_at=now + timedelta(seconds=interval),
            poll_in_flight=False,
            error="",
        )
        AuthSession.objects.filter(pk=session.pk).update(expires_at=max(held.expires_at, ends + GRACE))
    session.refresh_from_db()


def start_code_at_once(session: AuthSession) -> bool:
    """Get the session's code if it has none, for a caller who needs the link now. False when the platform gave none, which
    ends the session. Does nothing for a session that is consented to in the browser."""
    if session.via != Via.DEVICE or not claim_start(session):
        return True
    try:
        start_code(session)
    except FeishuError as error:
        fail_for_error(session, error)
        return False
    return True


def request_code(session: AuthSession) -> bool:
    """The person asks for the next code: the caller is to get it with `start_code`, and the workers will where that fails.
    False while there is a code, or when the session has ended."""
    with transaction.atomic():
        unused = DeviceConsent.objects.filter(
            pk=session.pk, session__state=SessionState.SENT, next_poll_at=None, needs_code=False
        )
        if not unused.update(needs_code=True, start_lease_until=timezone.now() + START_LEASE):
            return False
        _invalidate_card(session)
    return True


def _invalidate_card(session: AuthSession) -> None:
    AuthSession.objects.filter(pk=session.pk).update(card_state="", card_retry_at=None)
    notify_card(session.pk)


def codes_to_poll() -> list[UUID]:
    """Sessions whose poll is due."""
    return list(
        DeviceConsent.objects.to_poll().order_by("next_poll_at").values_list("pk", flat=True)[:SWEEP_LIMIT]
    )


def poll_device(session_id: UUID) -> None:
    """Poll for the outcome of one consent, if that is due and no other worker does."""
    poll = _claim_poll(session_id)
    if poll is None:
        return
    with log_context(**of_session(poll.session)):
        _poll(poll)


def _poll(poll: Poll) -> None:
    credentials = poll.session.bot.credentials
    asked_at = timezone.now()
    try:
        answer = DeviceCodes(credentials).poll(poll.consent.device_code)
    except OAuthError as error:
        _handle_refusal(poll, error)
    except FeishuError as error:
        _handle_failure(poll, error)
    else:
        if isinstance(answer, Waiting):
            _schedule_next(poll, more=SLOW_DOWN_SECONDS if answer is Waiting.SLOW_DOWN else 0)
        else:
            complete(poll.session, oauth=OAuth(credentials), tokens=answer, asked_at=asked_at)


def _claim_poll(session_id: UUID) -> Poll | None:
    consent = DeviceConsent.objects.to_poll().select_related("session__bot").filter(pk=session_id).first()
    if consent is None:
        return None
    until = timezone.now() + POLL_LEASE
    due = DeviceConsent.objects.to_poll().filter(pk=session_id, next_poll_at=consent.next_poll_at)
    if not due.update(next_poll_at=until, poll_in_flight=True, polls=F("polls") + 1):
        return None
    return Poll(consent, until, was_interrupted=consent.poll_in_flight)


def _handle_refusal(poll: Poll, error: OAuthError) -> None:
    ends = poll.consent.expires_at
    is_near_end = ends is None or ends <= timezone.now() + CLOCK_DIFFERENCE
    if error.error == "access_denied":
        end_session(poll.session, state=SessionState.DENIED, actor=Actor.user(poll.session.open_id))
    elif error.error == "expired_token" or (error.error == "invalid_grant" and is_near_end):
        _end_code(poll)
    elif error.error == "invalid_grant":
        # Used up before its time: by a worker that died with the tokens in hand, or by an unknown party.
        fail(
            poll.session,
            FailureReason.INTERRUPTED if poll.was_interrupted else FailureReason.PLATFORM_ERROR,
            error,
        )
    elif error.retryable:
        _handle_failure(poll, error)
    else:
        fail_for_error(poll.session, error)


def _handle_failure(poll: Poll, error: FeishuError) -> None:
    """No answer about the consent: poll again, less often. An answer that was lost may have held the tokens."""
    logger.warning("device_poll_failed", extra={"session": str(poll.session.pk), "error": str(error)})
    patience = error.reset_after if isinstance(error, RateLimited) else poll.consent.interval
    is_answered = isinstance(error, APIError)
    _schedule_next(poll, more=int(patience), poll_in_flight=not is_answered, error=storable(str(error), 500))


def _schedule_next(poll: Poll, *, more: int = 0, **values: Any) -> None:
    consent = poll.consent
    if consent.expires_at is None or consent.expires_at <= timezone.now():
        _end_code(poll)
        return
    interval = min(consent.interval + more, MAX_INTERVAL)
    DeviceConsent.objects.filter(pk=consent.pk, next_poll_at=poll.until).update(
        **{
            "interval": interval,
            "next_poll_at": timezone.now() + timedelta(seconds=interval),
            "poll_in_flight": False,
            "error": "",
        }
        | values
    )


def _end_code(poll: Poll) -> None:
    """The person did not consent in time. While the session lasts its card offers the next code; a link has no card."""
    session = poll.session
    if session.deliver == Deliver.LINK or session.expires_at <= timezone.now():
        end_session(session, state=SessionState.EXPIRED, actor=SYSTEM)
        return
    with transaction.atomic():
        ended = DeviceConsent.objects.filter(pk=session.pk, next_poll_at=poll.until)
        if ended.update(
            next_poll_at=None, device_code="", user_code="", verification_uri="", poll_in_flight=False
        ):
            _invalidate_card(session)
