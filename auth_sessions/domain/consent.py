"""Consent in the browser: from the card's link to the platform's consent page and back (OAuth's authorization code flow)."""

import hmac
import logging
from dataclasses import dataclass
from datetime import timedelta
from time import sleep

from django.conf import settings
from django.utils import timezone

from auth_sessions.domain.completion import CompletionOutcome, complete, fail, fail_for_error
from auth_sessions.domain.one_time import digest, new_secret
from auth_sessions.domain.sessions import end_overdue, end_session
from auth_sessions.enums import FailureReason, SessionState, Via
from auth_sessions.errors import (
    LinkBusy,
    LinkExpired,
    LinkOpenedElsewhere,
    LinkUnknown,
    LinkUsed,
    NoPublicAddressError,
)
from auth_sessions.log_facts import of_session
from auth_sessions.models import AuthSession
from core.access.actors import SYSTEM, Actor
from core.database.connections import give_back
from core.log_context import log_context
from core.vault.fields import encrypted_field
from feishu.errors import FeishuError, OAuthError, RateLimited, TransportError
from feishu.oauth import OAuth, Pkce, TokenSet, authorize_url

logger = logging.getLogger(__name__)

CONSENT_TIME = timedelta(minutes=10)
"""The time a person has on the consent page, however late they opened the link."""
EXCHANGE_TIME = timedelta(minutes=1)
"""The time in which the platform has to exchange the code, all attempts together."""
PAUSE = 1.0
"""Seconds between the two attempts to exchange a code, unless the platform asks for more."""
LONGEST_PAUSE = 8.0
"""Seconds that a person waits for the second attempt; where the platform asks for more there is none."""
CODE_USED_UP = frozenset({20003, 20004, 20065})
"""The code is unknown, too old or used."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Where to send the browser, and the secret that binds the session to it."""

    authorize_url: str
    browser: str
    session: AuthSession


@dataclass(frozen=True, slots=True)
class Returned:
    """The outcome, and the session unless the state belonged to none."""

    outcome: CompletionOutcome
    session: AuthSession | None = None


def open_link(*, token: str, browser: str) -> Opened:
    """Open a start link in the browser that holds ``browser`` (empty: none yet).

    The first browser keeps the link; opening it there again starts over with a new state. Raises LinkError.
    """
    session = find_session(token=token, browser=browser)
    with log_context(**of_session(session)):
        return _open(session, browser or new_secret())


def find_session(*, token: str, browser: str) -> AuthSession:
    """The session of a link that ``browser`` may open; does not use the link up. Raises LinkError."""
    if not settings.PUBLIC_URL:
        raise NoPublicAddressError
    session = (
        AuthSession.objects.select_related("bot").filter(start_hash=digest(token), via=Via.BROWSER).first()
    )
    if session is None:
        raise LinkUnknown
    if session.is_open and session.expires_at <= timezone.now():
        end_overdue(session)
    if session.state == SessionState.EXPIRED:
        raise LinkExpired
    if session.is_open and session.state_used_at is not None:
        raise LinkBusy
    if not session.is_open or not session.bot.enabled:
        raise LinkUsed(SessionState(session.state))
    if session.browser_hash and not _same(session.browser_hash, browser):
        raise LinkOpenedElsewhere
    return session


def _open(session: AuthSession, browser: str) -> Opened:
    state, pkce, now = new_secret(), Pkce.new(), timezone.now()
    verifier = encrypted_field(AuthSession, "code_verifier").seal_for(session, pkce.verifier)
    opened = (
        AuthSession.objects.open()
        .filter(pk=session.pk, browser_hash=session.browser_hash, state_used_at=None)
        .update(
            state=SessionState.OPENED,
            browser_hash=digest(browser),
            state_hash=digest(state),
            code_verifier=verifier,
            opened_at=now,
            expires_at=max(session.expires_at, now + CONSENT_TIME),
        )
    )
    if not opened:
        raise LinkOpenedElsewhere
    url = authorize_url(
        session.bot.addresses,
        app_id=session.bot.app_id,
        redirect_uri=session.bot.redirect_uri,
        scopes=session.scopes,
        state=state,
        challenge=pkce.challenge,
    )
    logger.info("authorization_opened")
    return Opened(url, browser, session)


def return_from_platform(
    *, app_id: str, state: str, code: str, error: str, browser: str, address: str = ""
) -> Returned:
    """Take the platform's answer. A state works once, in the browser that opened the link, for the bot it was made for.
    Tokens are stored only if the person who authorized is the person who was asked."""
    session = (
        AuthSession.objects.select_related("bot").filter(state_hash=digest(state), bot__app_id=app_id).first()
        if state
        else None
    )
    if session is None:
        return Returned(CompletionOutcome.UNKNOWN)
    if session.state_used_at is not None or not session.is_open:
        is_expired = session.state == SessionState.EXPIRED
        return Returned(CompletionOutcome.EXPIRED if is_expired else CompletionOutcome.REPLAYED, session)
    if not _use_state(session):
        return Returned(CompletionOutcome.REPLAYED, session)
    with log_context(**of_session(session)):
        return Returned(_complete(session, code=code, error=error, browser=browser, address=address), session)


def _use_state(session: AuthSession) -> bool:
    """Use the state up; the row count decides between two that come at once. A person who is back in time does not expire
    during the calls to the platform."""
    now = timezone.now()
    used = AuthSession.objects.open().filter(pk=session.pk, state_hash=session.state_hash, state_used_at=None)
    return bool(used.update(state_used_at=now, expires_at=max(session.expires_at, now + EXCHANGE_TIME)))


def _complete(
    session: AuthSession, *, code: str, error: str, browser: str, address: str
) -> CompletionOutcome:
    early = _end_without_code(session, code=code, error=error, browser=browser, address=address)
    if early is not None:
        return early
    asked_at, oauth = timezone.now(), OAuth(session.bot.credentials)
    try:
        tokens = _exchange(oauth, session, code)
    except FeishuError as problem:
        return fail_for_error(session, problem, address=address)
    return complete(session, oauth=oauth, tokens=tokens, asked_at=asked_at, address=address)


def _end_without_code(
    session: AuthSession, *, code: str, error: str, browser: str, address: str
) -> CompletionOutcome | None:
    """The outcome, where there is no code to exchange; None where there is one."""
    if session.expires_at <= timezone.now():
        end_session(session, state=SessionState.EXPIRED, actor=SYSTEM.at(address))
        return CompletionOutcome.EXPIRED
    if not _same(session.browser_hash, browser):
        return fail(session, FailureReason.OTHER_BROWSER, address=address)
    if error == "access_denied":
        end_session(session, state=SessionState.DENIED, actor=Actor.user(session.open_id).at(address))
        return CompletionOutcome.DENIED
    if code and not error:
        return None
    words = "" if error else "the platform sent the browser back with neither a code nor an error"
    return fail(session, FailureReason.PLATFORM_ERROR, OAuthError(words, error=error[:100]), address=address)


def _exchange(oauth: OAuth, session: AuthSession, code: str) -> TokenSet:
    """A code works once, so a call is repeated only if it was not sent, the answer says "not now" or something else answered.

    Where the second call says that the code is used up, the first one did that: its error is the one that is raised.
    """
    try:
        return _exchange_once(oauth, session, code)
    except TransportError as problem:
        if problem.sent != "no":
            raise
        first: FeishuError = problem
    except FeishuError as problem:
        if not problem.retryable:
            raise
        first = problem
    pause = max(PAUSE, first.reset_after) if isinstance(first, RateLimited) else PAUSE
    if pause > LONGEST_PAUSE:
        raise first
    logger.warning("code_exchange_repeated", extra={"session": str(session.pk), "error": str(first)})
    sleep(pause)
    try:
        return _exchange_once(oauth, session, code)
    except FeishuError as second:
        if second.code is None or second.code in CODE_USED_UP:
            raise first from second
        raise


def _exchange_once(oauth: OAuth, session: AuthSession, code: str) -> TokenSet:
    give_back(before_waiting=True)
    return oauth.exchange_code(
        code=code, redirect_uri=session.bot.redirect_uri, verifier=session.code_verifier
    )


def _same(stored_hash: str, secret: str) -> bool:
    return bool(secret) and hmac.compare_digest(stored_hash, digest(secret))
