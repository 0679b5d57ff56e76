"""Revoking a grant.

Here it takes effect at once: one transaction removes the tokens from the grant, so that nobody is served from it any more
and the answer of a refresh in flight is fenced off. Then the token is withdrawn at the platform. If that does not answer,
the one token that withdraws the grant stays sealed in the revocation until it is withdrawn, or all retries have failed
(RFC 7009 2.2.1: a client that gets no answer has to assume that the token still exists, and to try again).
"""

import logging
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from auth_sessions.domain.revocation.notice import wants_notice
from auth_sessions.domain.tenants import in_tenant
from auth_sessions.enums import Notice, PlatformReason, RefreshPhase, RevocationState, TokenStatus
from auth_sessions.log_facts import of_revocation
from auth_sessions.models import Revocation, UserToken
from auth_sessions.notify import notify_revocation
from bots.models import Bot
from core.access import audit
from core.access.actors import PLATFORM, SYSTEM, Actor
from core.background.retry import RetrySchedule
from core.database.connections import give_back
from core.database.text import storable
from core.log_context import log_context
from core.vault.fields import encrypted_field
from core.vault.keyring import SealedValueError
from feishu.codes import Category
from feishu.errors import FeishuError, OAuthError
from feishu.oauth import OAuth, TokenHint, TokenSet

logger = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds; somebody is waiting for the answer
LEASE = timedelta(seconds=30)
RETRIES = RetrySchedule((10, 60, 300, 1800, 7200, 21600, 43200, 86400))
"""Two days in all, before the platform is given up on."""
SWEEP_LIMIT = 200

ACCESS, REFRESH = "user_access_token", "refresh_token"  # as the platform's event names them
_ALREADY_DEAD = {Category.REAUTHORIZE, Category.USER_GONE}


def revoke(*, grant: UserToken, actor: Actor) -> Revocation:
    """Revoke ``grant``, at the platform too, which gets five seconds; not to be called in a transaction.

    Whatever the platform answers, nobody is served from the grant any more when this returns. ``state`` is DONE when the
    token is withdrawn, PENDING while the workers retry, GIVEN_UP when they have stopped. Harmless to repeat.
    """
    return withdraw_at_platform(revoke_later(grant=grant, actor=actor).pk)


@transaction.atomic
def revoke_later(*, grant: UserToken, actor: Actor) -> Revocation:
    """Revoke ``grant`` here; the workers withdraw its token at the platform after the commit. For many at once."""
    held = (
        UserToken.objects.select_for_update(no_key=True, of=("self",)).select_related("bot").get(pk=grant.pk)
    )
    if held.status == TokenStatus.REVOKED:
        last = held.revocations.first()
        if last is not None:
            return last
    token, hint = _token_to_withdraw(held)
    revocation = _end(held, actor=actor, token=token, hint=hint)
    grant.refresh_from_db()
    return revocation


def withdraw_late_answer(*, grant: UserToken, tokens: TokenSet) -> None:
    """Withdraw the tokens of a refresh that was in flight while its grant was revoked.

    Call in a transaction. Does nothing unless the grant is revoked: a new consent must not be withdrawn.
    """
    if not UserToken.objects.filter(pk=grant.pk, status=TokenStatus.REVOKED).exists():
        return
    hint: TokenHint = "refresh_token" if tokens.refresh_token else "access_token"
    _record(
        grant,
        actor=SYSTEM,
        token=tokens.refresh_token or tokens.access_token,
        hint=hint,
        state=RevocationState.PENDING,
    )


def record_platform_revocation(
    *, bot: Bot, open_id: str, tenant_key: str, kinds: frozenset[str], reason: PlatformReason, at: datetime
) -> list[Revocation]:
    """The platform says that it revoked tokens of a person at the time ``at``. Returns the revocations of grants: none when
    they were over already, or when the person has authorized or a refresh has succeeded since then.

    ``kinds``: which tokens, ``user_access_token`` and ``refresh_token``; anything else means both. The event does not name
    the token (page "user_access_token revoked event"), so it is compared with the time at which ours were issued.
    """
    grants = in_tenant(UserToken.objects.filter(bot=bot, open_id=open_id), tenant_key)
    ended = []
    for pk in grants.values_list("pk", flat=True):
        with transaction.atomic():
            ended += _apply_platform_event(pk, kinds=kinds, reason=reason, at=at)
    return ended


def _apply_platform_event(
    pk: UUID, *, kinds: frozenset[str], reason: PlatformReason, at: datetime
) -> list[Revocation]:
    grant = UserToken.objects.select_for_update(no_key=True, of=("self",)).select_related("bot").get(pk=pk)
    issued_at = max(grant.authorized_at, grant.refreshed_at or grant.authorized_at)
    if issued_at > at:
        return []
    if grant.status == TokenStatus.REVOKED:
        # Perhaps the echo of our own withdrawal; in any case nothing is left to withdraw.
        grant.revocations.filter(state=RevocationState.PENDING, at__lte=at).update(
            state=RevocationState.DONE, token=""
        )
        return []
    if kinds == {ACCESS} and encrypted_field(UserToken, "refresh_token").is_set(grant):
        _drop_access_token(grant)
        return []
    if kinds == {REFRESH} and grant.access_expires_at > timezone.now():
        _drop_refresh_token(grant, reason)
        return []
    return [_end(grant, actor=PLATFORM, reason=reason)]


def _drop_access_token(grant: UserToken) -> None:
    """The refresh token still works: it is due now. The generation stays, so that the answer of a refresh in flight counts."""
    now = timezone.now()
    UserToken.objects.filter(pk=grant.pk).update(access_token="", access_expires_at=now, next_refresh_at=now)


def _drop_refresh_token(grant: UserToken, reason: PlatformReason) -> None:
    """The access token stays usable until its own end. The person is asked to authorize again in time, unless they revoked
    the authorization themselves."""
    UserToken.objects.filter(pk=grant.pk).update(
        refresh_token="",
        refresh_expires_at=None,
        status=TokenStatus.NEEDS_REAUTH,
        phase=RefreshPhase.STOPPED,
        generation=F("generation") + 1,
        claim_id=None,
        lease_until=None,
        next_refresh_at=None,
        next_attempt_at=None,
        next_reminder_at=timezone.now() if wants_notice(PLATFORM, reason) else None,
    )
    audit.record(
        actor=PLATFORM,
        action="user_token.needs_reauth",
        bot=grant.bot,
        target=grant.open_id,
        code=None,
    )


def _token_to_withdraw(grant: UserToken) -> tuple[str, TokenHint]:
    """The refresh token, whose withdrawal ends its access tokens; the access token where there is none. Empty when no key
    opens it: that must not keep the grant alive."""
    refreshable = encrypted_field(UserToken, "refresh_token").is_set(grant)
    hint: TokenHint = "refresh_token" if refreshable else "access_token"
    try:
        return (grant.refresh_token if refreshable else grant.access_token), hint
    except SealedValueError:
        logger.exception("revoked_token_unreadable", extra={"grant": str(grant.pk)})
        return "", hint


def _end(
    grant: UserToken,
    *,
    actor: Actor,
    token: str = "",
    hint: TokenHint = "refresh_token",
    reason: PlatformReason | None = None,
) -> Revocation:
    """Empty the locked grant and record the revocation. Without ``token`` nothing is, or can be, withdrawn at the platform."""
    UserToken.objects.filter(pk=grant.pk).destroy_tokens(TokenStatus.REVOKED)
    without_token = RevocationState.DONE if reason else RevocationState.GIVEN_UP
    revocation = _record(
        grant,
        actor=actor,
        token=token,
        hint=hint,
        state=RevocationState.PENDING if token else without_token,
        reason=reason,
        notice=Notice.DUE if wants_notice(actor, reason) else Notice.NONE,
    )
    audit.record(
        actor=actor,
        action="user_token.revoked",
        bot=grant.bot,
        target=grant.open_id,
        revocation=str(revocation.pk),
        reason=reason or "",
    )
    return revocation


def _record(
    grant: UserToken,
    *,
    actor: Actor,
    token: str,
    hint: TokenHint,
    state: RevocationState,
    reason: PlatformReason | None = None,
    notice: Notice = Notice.NONE,
) -> Revocation:
    revocation = Revocation.objects.create(
        grant=grant,
        actor=str(actor),
        operator_id=actor.operator_id,
        client_id=actor.client_id,
        platform_reason=reason or "",
        token=token,
        token_hint=hint,
        state=state,
        notice=notice,
    )
    notify_revocation(revocation.pk)
    return revocation


def withdraw_at_platform(revocation_id: UUID) -> Revocation:
    """Withdraw the token at the platform if that is due and no other worker does; the revocation as it is then."""
    now = timezone.now()
    due = Revocation.objects.to_withdraw().filter(pk=revocation_id)
    claimed = due.update(next_attempt_at=now + LEASE, attempts=F("attempts") + 1)
    revocation = Revocation.objects.select_related("grant__bot").get(pk=revocation_id)
    if not claimed:
        return revocation
    with log_context(**of_revocation(revocation)):
        try:
            _withdraw(revocation)
        except FeishuError as error:
            _record_failure(revocation, error)
        except SealedValueError as error:
            _record_failure(revocation, FeishuError(str(error)))
        else:
            _finish(revocation, RevocationState.DONE)
    revocation.refresh_from_db()
    return revocation


def _withdraw(revocation: Revocation) -> None:
    hint = cast("TokenHint", revocation.token_hint)
    oauth, token = OAuth(revocation.grant.bot.credentials), revocation.token
    give_back(before_waiting=True)
    try:
        oauth.revoke(token, hint, timeout=TIMEOUT)
    except OAuthError as error:
        # A token that the platform holds for invalid needs no withdrawal (RFC 7009 2.2).
        if error.info.category not in _ALREADY_DEAD and error.error != "invalid_grant":
            raise


def _record_failure(revocation: Revocation, error: FeishuError) -> None:
    logger.warning("revocation_not_withdrawn", extra={"revocation": str(revocation.pk), "error": str(error)})
    facts = {"code": error.code, "log_id": storable(error.log_id, 128), "error": storable(str(error), 500)}
    if not RETRIES.is_exhausted(revocation.attempts):
        Revocation.objects.filter(pk=revocation.pk, state=RevocationState.PENDING).update(
            next_attempt_at=timezone.now() + RETRIES.pause_after(revocation.attempts), **facts
        )
        return
    with transaction.atomic():
        if _finish(revocation, RevocationState.GIVEN_UP, **facts):
            audit.record(
                actor=SYSTEM,
                action="user_token.revocation_given_up",
                bot=revocation.grant.bot,
                target=revocation.grant.open_id,
                revocation=str(revocation.pk),
                code=error.code,
            )


def _finish(revocation: Revocation, state: RevocationState, **facts: object) -> bool:
    """Destroy the token; False when it was finished elsewhere."""
    pending = Revocation.objects.filter(pk=revocation.pk, state=RevocationState.PENDING)
    return bool(pending.update(state=state, token="", **facts))


def unfinished_revocations() -> list[UUID]:
    """Revocations whose withdrawal or notice is due, because a notification was lost or for a retry."""
    now = timezone.now()
    unfinished = Q(state=RevocationState.PENDING, next_attempt_at__lte=now) | Q(
        notice=Notice.DUE, notice_at__lte=now
    )
    return list(Revocation.objects.filter(unfinished).values_list("pk", flat=True)[:SWEEP_LIMIT])
