"""The device-code road: the person consents on the platform's own page, and the portal asks for the outcome (RFC 8628).

For a portal that no browser reaches from outside. A code is started when the card is sent, or when somebody clicks for
the next one, and is polled by the workers for as long as it lives: the row says when, a conditional UPDATE says by whom.
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
from auth_sessions.models import AuthSession, DeviceConsent
from auth_sessions.notify import notify_card
from core.access.actors import SYSTEM, Actor
from core.database.text import storable
from core.vault.fields import encrypted_field
from feishu.device_code import SLOW_DOWN_SECONDS, DeviceCodes, Waiting
from feishu.errors import APIError, FeishuError, OAuthError, RateLimited
from feishu.oauth import OAuth

logger = logging.getLogger("auth_sessions.device")

START_TIMEOUT = 5.0  # seconds
START_LEASE = timedelta(seconds=15)
POLL_LEASE = timedelta(seconds=45)  # three times the longest call
GRACE = timedelta(minutes=1)  # after a code's end, for the last answer
MAX_INTERVAL = 60  # seconds
MAX_LIFE = timedelta(hours=1)  # no code lives longer, whatever an answer says
SWEEP_LIMIT = 500

_OVER = {"expired_token", "invalid_grant"}


@dataclass(frozen=True, slots=True)
class Poll:
    """The right to ask once: ``until`` fences what is written of the answer."""

    consent: DeviceConsent
    until: datetime
    was_interrupted: bool

    @property
    def session(self) -> AuthSession:
        return self.consent.session


def claim_start(session: AuthSession) -> bool:
    """Whether the caller is the one to start the code that the session waits for."""
    now = timezone.now()
    free = Q(starting_until=None) | Q(starting_until__lt=now)
    wanting = DeviceConsent.objects.filter(free, pk=session.pk, wanted=True)
    return bool(wanting.update(starting_until=now + START_LEASE))


def start_code(session: AuthSession) -> None:
    """Get a code from the platform, after ``claim_start``; one call of at most five seconds. Raises FeishuError, and the
    session waits for a code still."""
    try:
        code = DeviceCodes(session.bot.credentials).start(session.scopes, timeout=START_TIMEOUT)
    except FeishuError as error:
        DeviceConsent.objects.filter(pk=session.pk).update(
            starting_until=None, error=storable(str(error), 500)
        )
        raise
    now, row = timezone.now(), DeviceConsent(session=session)
    ends = now + min(timedelta(seconds=code.expires_in), MAX_LIFE)
    interval = min(code.interval, MAX_INTERVAL)
    with transaction.atomic():
        held = AuthSession.objects.open().select_for_update().filter(pk=session.pk).first()
        if held is None:
            return
        DeviceConsent.objects.filter(pk=session.pk).update(
            device_code=encrypted_field(DeviceConsent, "device_code").seal_for(row, code.device_code),
            user_code=encrypted_field(DeviceConsent, "user_code").seal_for(row, code.user_code),
            verification_uri=encrypted_field(DeviceConsent, "verification_uri").seal_for(
                row, code.verification_uri
            ),
            wanted=False,
            starting_until=None,
            expires_at=ends,
            interval=interval,
            next_poll_at=now + timedelta(seconds=interval),
            asking=False,
            error="",
        )
        AuthSession.objects.filter(pk=session.pk).update(expires_at=max(held.expires_at, ends + GRACE))
    session.refresh_from_db()


def start_code_at_once(session: AuthSession) -> bool:
    """For a link that is wanted now: start the session's code if it has none. False when the platform gave none, which
    ends the session; sessions of the browser road need nothing."""
    if session.via != Via.DEVICE or not claim_start(session):
        return True
    try:
        start_code(session)
    except FeishuError as error:
        fail_for_error(session, error)
        return False
    return True


def want_code(session: AuthSession) -> bool:
    """The person asks for the next code, which the caller is to start; False while there is one, or when the session is
    over. A code that the caller fails to start is started by the workers."""
    with transaction.atomic():
        unused = DeviceConsent.objects.filter(
            pk=session.pk, session__state=SessionState.SENT, next_poll_at=None, wanted=False
        )
        if not unused.update(wanted=True, starting_until=timezone.now() + START_LEASE):
            return False
        _card_is_out_of_date(session)
    return True


def _card_is_out_of_date(session: AuthSession) -> None:
    AuthSession.objects.filter(pk=session.pk).update(card_state="", card_retry_at=None)
    notify_card(session.pk)


def codes_to_poll() -> list[UUID]:
    """Sessions whose outcome is to be asked for now."""
    return list(
        DeviceConsent.objects.to_poll().order_by("next_poll_at").values_list("pk", flat=True)[:SWEEP_LIMIT]
    )


def poll_device(session_id: UUID) -> None:
    """Ask for the outcome of one consent, if that is due and nobody else is at it."""
    poll = _claim_poll(session_id)
    if poll is None:
        return
    credentials = poll.session.bot.credentials
    asked_at = timezone.now()
    try:
        answer = DeviceCodes(credentials).poll(poll.consent.device_code)
    except OAuthError as error:
        _refused(poll, error)
    except FeishuError as error:
        _unheard(poll, error)
    else:
        if isinstance(answer, Waiting):
            _wait(poll, more=SLOW_DOWN_SECONDS if answer is Waiting.SLOW_DOWN else 0)
        else:
            complete(poll.session, oauth=OAuth(credentials), tokens=answer, asked_at=asked_at)


def _claim_poll(session_id: UUID) -> Poll | None:
    consent = DeviceConsent.objects.to_poll().select_related("session__bot").filter(pk=session_id).first()
    if consent is None:
        return None
    until = timezone.now() + POLL_LEASE
    due = DeviceConsent.objects.to_poll().filter(pk=session_id, next_poll_at=consent.next_poll_at)
    if not due.update(next_poll_at=until, asking=True, polls=F("polls") + 1):
        return None
    return Poll(consent, until, was_interrupted=consent.asking)


def _refused(poll: Poll, error: OAuthError) -> None:
    if error.error == "access_denied":
        end_session(poll.session, state=SessionState.DENIED, actor=Actor.user(poll.session.open_id))
    elif error.error in _OVER and (error.error == "expired_token" or _is_near_its_end(poll)):
        _code_ended(poll)
    elif error.error in _OVER:
        # Spent before its time: by a worker that died with the tokens in hand, or by nobody we know.
        fail(
            poll.session,
            FailureReason.INTERRUPTED if poll.was_interrupted else FailureReason.PLATFORM_ERROR,
            error,
        )
    elif error.retryable:
        _unheard(poll, error)
    else:
        fail_for_error(poll.session, error)


def _unheard(poll: Poll, error: FeishuError) -> None:
    """No answer that decides: the same is asked again, less often. An answer that was lost may have held the tokens."""
    logger.warning("device_poll_failed", extra={"session": str(poll.session.pk), "error": str(error)})
    patience = error.reset_after if isinstance(error, RateLimited) else poll.consent.interval
    heard = isinstance(error, APIError)
    _wait(poll, more=int(patience), asking=not heard, error=storable(str(error), 500))


def _wait(poll: Poll, *, more: int = 0, **values: Any) -> None:
    consent = poll.consent
    if _is_over(poll):
        _code_ended(poll)
        return
    interval = min(consent.interval + more, MAX_INTERVAL)
    DeviceConsent.objects.filter(pk=consent.pk, next_poll_at=poll.until).update(
        **{
            "interval": interval,
            "next_poll_at": timezone.now() + timedelta(seconds=interval),
            "asking": False,
            "error": "",
        }
        | values
    )


def _is_over(poll: Poll) -> bool:
    return poll.consent.expires_at is None or poll.consent.expires_at <= timezone.now()


def _is_near_its_end(poll: Poll) -> bool:
    """Within the clocks' difference: some answer `invalid_grant` to a code that has expired."""
    ends = poll.consent.expires_at
    return ends is None or ends <= timezone.now() + timedelta(seconds=15)


def _code_ended(poll: Poll) -> None:
    """Nobody consented in time. A card offers the next code while the session lasts; a link has no card to say so."""
    session = poll.session
    if session.deliver == Deliver.LINK or session.expires_at <= timezone.now():
        end_session(session, state=SessionState.EXPIRED, actor=SYSTEM)
        return
    with transaction.atomic():
        ended = DeviceConsent.objects.filter(pk=session.pk, next_poll_at=poll.until)
        if ended.update(next_poll_at=None, device_code="", user_code="", verification_uri="", asking=False):
            _card_is_out_of_date(session)
