"""Completing a consent, in the browser or by device code: whose tokens are these, and are they stored?"""

import hmac
import logging
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from auth_sessions.campaigns.asking import note_grant
from auth_sessions.domain.sessions import destroy_code, end_session, supersede_cards
from auth_sessions.domain.tokens.grants import store_grant
from auth_sessions.enums import FailureReason, SessionState
from auth_sessions.log_facts import of_session
from auth_sessions.metrics import count_consent, count_session
from auth_sessions.models import AuthSession
from auth_sessions.notify import notify_card
from bots.people.directory import remember
from core.access import audit
from core.access.actors import SYSTEM, Actor
from core.database.connections import give_back
from feishu.errors import FeishuError, MalformedAnswer, TransportError
from feishu.oauth import OAuth, TokenSet, UserInfo
from feishu.people import Profile

logger = logging.getLogger(__name__)

USER_INFO_ATTEMPTS = 2
WITHDRAW_SECONDS = 5.0


class CompletionOutcome(StrEnum):
    """How a consent in the browser ended; each outcome has a page."""

    AUTHORIZED = "authorized"
    DENIED = "denied"
    EXPIRED = "expired"
    WRONG_PERSON = "wrong_person"
    OTHER_BROWSER = "other_browser"
    PLATFORM_ERROR = "platform_error"
    UNREACHABLE = "unreachable"
    UNREADABLE = "unreadable"
    INTERRUPTED = "interrupted"
    REPLAYED = "replayed"
    UNKNOWN = "unknown"


def complete(
    session: AuthSession, *, oauth: OAuth, tokens: TokenSet, asked_at: datetime, address: str = ""
) -> CompletionOutcome:
    """Store the tokens if the person who authorized is the person who was asked; end the session either way. ``address``: of
    the person's browser, for the audit log; by device code it is not known."""
    give_back(before_waiting=True)
    try:
        who = _whose(oauth, tokens)
    except FeishuError as problem:
        _withdraw(session, oauth, tokens)
        return fail_for_error(session, problem, address=address)
    if not tokens.scopes:
        # Without `scope` in the answer everything that was asked for is granted (RFC 6749 5.1).
        tokens = replace(tokens, scopes=tuple(session.scopes))
    if not _is_person_asked(session, who):
        # The tokens are dropped, not revoked: revoking could end a grant that the other person gave on purpose.
        _note_other_person(session, who)
        return fail(session, FailureReason.WRONG_PERSON, address=address)
    return _authorize(session, tokens=tokens, who=who, asked_at=asked_at, address=address)


def _withdraw(session: AuthSession, oauth: OAuth, tokens: TokenSet) -> None:
    """Tokens of nobody knows whom are not kept, and not left alive at the platform either. Once, without waiting for long."""
    try:
        if tokens.refresh_token:
            oauth.revoke(tokens.refresh_token, "refresh_token", timeout=WITHDRAW_SECONDS)
        else:
            oauth.revoke(tokens.access_token, "access_token", timeout=WITHDRAW_SECONDS)
    except FeishuError as error:
        logger.warning("unused_tokens_not_revoked", extra={"session": str(session.pk), "error": str(error)})


def _whose(oauth: OAuth, tokens: TokenSet) -> UserInfo:
    """Reading changes nothing, so a failed call is repeated: the code that brought the tokens works only once."""
    for _attempt in range(USER_INFO_ATTEMPTS - 1):
        try:
            return oauth.user_info(tokens.access_token)
        except FeishuError as problem:
            if not problem.retryable:
                raise
    return oauth.user_info(tokens.access_token)


def _is_person_asked(session: AuthSession, who: UserInfo) -> bool:
    same_tenant = not session.tenant_key or not who.tenant_key or session.tenant_key == who.tenant_key
    return (
        same_tenant
        and bool(who.open_id)
        and hmac.compare_digest(session.open_id.encode(), who.open_id.encode())
    )


def _note_other_person(session: AuthSession, who: UserInfo) -> None:
    """Who it was, for the operator. Who authorizes an app is known to it, so the name is kept as everybody's is."""
    AuthSession.objects.open().filter(pk=session.pk).update(authorized_by=who.open_id)
    remember(session.bot, [Profile.of_user_info(who)])


@transaction.atomic
def _authorize(
    session: AuthSession, *, tokens: TokenSet, who: UserInfo, asked_at: datetime, address: str
) -> CompletionOutcome:
    done = AuthSession.objects.open().filter(pk=session.pk)
    if not done.update(state=SessionState.AUTHORIZED, finished_at=timezone.now()):
        return CompletionOutcome.REPLAYED
    destroy_code(session)
    store_grant(bot=session.bot, who=who, tokens=tokens, asked_at=asked_at)
    remember(session.bot, [Profile.of_user_info(who)])
    supersede_cards(session, scopes=tokens.scopes)
    note_grant(session, scopes=tokens.scopes)
    audit.record(
        actor=Actor.user(session.open_id).at(address),
        action="auth_session.authorized",
        bot=session.bot,
        target=session.open_id,
        session=str(session.pk),
        scopes=list(tokens.scopes),
    )
    facts = of_session(session) | {"state": SessionState.AUTHORIZED.value}

    def note() -> None:
        count_session(session.bot, SessionState.AUTHORIZED.value)
        count_consent(session.created_at)
        logger.info("authorization_ended", extra=facts)

    transaction.on_commit(note)
    notify_card(session.pk)
    session.state = SessionState.AUTHORIZED
    return CompletionOutcome.AUTHORIZED


def fail_for_error(session: AuthSession, error: FeishuError, *, address: str = "") -> CompletionOutcome:
    """End the session because the platform refused, could not be reached, or something else answered in its place."""
    reason = FailureReason.PLATFORM_ERROR
    if isinstance(error, TransportError):
        reason = FailureReason.UNREACHABLE
    elif isinstance(error, MalformedAnswer):
        reason = FailureReason.UNREADABLE
    return fail(session, reason, error, address=address)


def fail(
    session: AuthSession, reason: FailureReason, error: FeishuError | None = None, *, address: str = ""
) -> CompletionOutcome:
    """End the session for ``reason``, which the log, the card and the page show."""
    logger.warning(
        "authorization_failed",
        extra={"session": str(session.pk), "reason": reason.value, "error": str(error or "")},
    )
    end_session(session, state=SessionState.FAILED, reason=reason, error=error, actor=SYSTEM.at(address))
    return CompletionOutcome(reason.value)
