"""The browser road: from the card's link to the platform's consent page and back."""

import hmac
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from auth_sessions.domain.grants import store_grant
from auth_sessions.domain.sessions import end_session
from auth_sessions.enums import Reason, SessionState
from auth_sessions.errors import LinkExpired, LinkOpenedElsewhere, LinkUnknown, LinkUsed, NoPublicAddressError
from auth_sessions.hints import hint_card
from auth_sessions.models import AuthSession
from auth_sessions.tokens import digest, new_secret
from feishu.errors import FeishuError, TransportError
from feishu.oauth import OAuth, Pkce, TokenSet, UserInfo, authorize_url
from feishu_portal.access import audit
from feishu_portal.access.actors import SYSTEM, Actor
from feishu_portal.access.fields import encrypted_field

logger = logging.getLogger("auth_sessions.consent")

CONSENT_TIME = timedelta(
    minutes=10
)  # what the person gets on the consent page, however late the link was opened
ASKING_TIME = timedelta(minutes=1)  # what the platform may take to answer, all tries together
CODE_TRIES = 2


@dataclass(frozen=True, slots=True)
class Opened:
    """Where to send the browser, and the value that binds the session to it."""

    authorize_url: str
    browser: str
    session: AuthSession


class Ending(StrEnum):
    """How the browser's return ended; each has a page of its own."""

    AUTHORIZED = "authorized"
    DENIED = "denied"
    EXPIRED = "expired"
    WRONG_PERSON = "wrong_person"
    OTHER_BROWSER = "other_browser"
    PLATFORM_ERROR = "platform_error"
    UNREACHABLE = "unreachable"
    REPLAYED = "replayed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Returned:
    """The ending, and the session unless the state belonged to none."""

    ending: Ending
    session: AuthSession | None = None


def open_link(*, token: str, browser: str) -> Opened:
    """Open a start link in the browser that holds ``browser`` (empty: none yet).

    The first browser keeps the link; opening it there again starts over with a new state. Raises LinkError.
    """
    if not settings.PUBLIC_URL:
        raise NoPublicAddressError
    session = AuthSession.objects.select_related("bot").filter(start_hash=digest(token)).first()
    if session is None:
        raise LinkUnknown
    if session.is_open and session.expires_at <= timezone.now():
        end_session(session, state=SessionState.EXPIRED, actor=SYSTEM)
    if session.state == SessionState.EXPIRED:
        raise LinkExpired
    if not session.is_open or not session.bot.enabled or session.state_used_at is not None:
        raise LinkUsed(SessionState(session.state))
    if session.browser_hash and not _same(session.browser_hash, browser):
        raise LinkOpenedElsewhere
    return _open(session, browser or new_secret())


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
    return Opened(url, browser, session)


def return_from_platform(*, app_id: str, state: str, code: str, error: str, browser: str) -> Returned:
    """Take the platform's answer. A state works once, in the browser that opened the link, for the bot it was made for;
    tokens are stored only when the person who authorized is the person who was asked."""
    session = (
        AuthSession.objects.select_related("bot").filter(state_hash=digest(state), bot__app_id=app_id).first()
        if state
        else None
    )
    if session is None:
        return Returned(Ending.UNKNOWN)
    if session.state_used_at is not None or not session.is_open:
        ending = Ending.EXPIRED if session.state == SessionState.EXPIRED else Ending.REPLAYED
        return Returned(ending, session)
    if not _use_state(session):
        return Returned(Ending.REPLAYED, session)
    return Returned(_conclude(session, code=code, error=error, browser=browser), session)


def _use_state(session: AuthSession) -> bool:
    """The state is used up by whoever comes first; the row count decides. Who is back in time does not expire while the
    platform is asked."""
    now = timezone.now()
    used = AuthSession.objects.open().filter(pk=session.pk, state_hash=session.state_hash, state_used_at=None)
    return bool(used.update(state_used_at=now, expires_at=max(session.expires_at, now + ASKING_TIME)))


def _conclude(session: AuthSession, *, code: str, error: str, browser: str) -> Ending:
    early = _end_without_code(session, code=code, error=error, browser=browser)
    if early is not None:
        return early
    asked_at = timezone.now()
    try:
        tokens, who = _ask_platform(session, code)
    except TransportError as problem:
        return _fail(session, Reason.UNREACHABLE, problem)
    except FeishuError as problem:
        return _fail(session, Reason.PLATFORM_ERROR, problem)
    if not _is_person_asked(session, who):
        # The tokens are dropped, not revoked: revoking could end a grant that this other person gave on purpose.
        return _fail(session, Reason.WRONG_PERSON)
    return _authorize(session, tokens=tokens, who=who, asked_at=asked_at)


def _end_without_code(session: AuthSession, *, code: str, error: str, browser: str) -> Ending | None:
    """The endings for which the platform need not be asked; None when there is a code to exchange."""
    if session.expires_at <= timezone.now():
        end_session(session, state=SessionState.EXPIRED, actor=SYSTEM)
        return Ending.EXPIRED
    if not _same(session.browser_hash, browser):
        return _fail(session, Reason.OTHER_BROWSER)
    if error == "access_denied":
        end_session(session, state=SessionState.DENIED, actor=Actor.user(session.open_id))
        return Ending.DENIED
    return None if code and not error else _fail(session, Reason.PLATFORM_ERROR)


@transaction.atomic
def _authorize(session: AuthSession, *, tokens: TokenSet, who: UserInfo, asked_at: datetime) -> Ending:
    done = AuthSession.objects.open().filter(pk=session.pk)
    if not done.update(state=SessionState.AUTHORIZED, finished_at=timezone.now()):
        return Ending.REPLAYED
    store_grant(bot=session.bot, who=who, tokens=tokens, asked_at=asked_at)
    audit.record(
        actor=Actor.user(session.open_id),
        action="auth_session.authorized",
        app_id=session.bot.app_id,
        target=session.open_id,
        session=str(session.pk),
        scopes=list(tokens.scopes),
    )
    hint_card(session.pk)
    session.state = SessionState.AUTHORIZED
    return Ending.AUTHORIZED


def _ask_platform(session: AuthSession, code: str) -> tuple[TokenSet, UserInfo]:
    """Exchange the code and ask whose it was. A code is used once, so only an answer that says "not now" is tried again."""
    oauth = OAuth(session.bot.credentials)
    for tries_left in range(CODE_TRIES - 1, -1, -1):
        try:
            tokens = oauth.exchange_code(
                code=code, redirect_uri=session.bot.redirect_uri, verifier=session.code_verifier
            )
            break
        except TransportError as problem:
            if not tries_left or problem.sent != "no":
                raise
        except FeishuError as problem:
            if not tries_left or not problem.retryable:
                raise
    return tokens, oauth.user_info(tokens.access_token)


def _is_person_asked(session: AuthSession, who: UserInfo) -> bool:
    same_tenant = not session.tenant_key or not who.tenant_key or session.tenant_key == who.tenant_key
    return (
        same_tenant
        and bool(who.open_id)
        and hmac.compare_digest(session.open_id.encode(), who.open_id.encode())
    )


def _fail(session: AuthSession, reason: Reason, error: FeishuError | None = None) -> Ending:
    logger.warning(
        "authorization_failed",
        extra={"session": str(session.pk), "reason": reason.value, "error": str(error or "")},
    )
    end_session(session, state=SessionState.FAILED, reason=reason, error=error, actor=SYSTEM)
    return Ending(reason.value)


def _same(stored_hash: str, secret: str) -> bool:
    return bool(secret) and hmac.compare_digest(stored_hash, digest(secret))
