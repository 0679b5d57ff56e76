"""Authorization sessions from the request to every end but an authorization, which ``completion`` has."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from auth_sessions.domain.failures import Failure
from auth_sessions.domain.one_time import digest, new_secret
from auth_sessions.domain.tenants import in_tenant
from auth_sessions.enums import Deliver, FailureReason, SessionState, Via
from auth_sessions.errors import InvalidScopesError, NoPublicAddressError
from auth_sessions.log_facts import of_session
from auth_sessions.metrics import count_session
from auth_sessions.models import AuthSession, DeviceConsent
from auth_sessions.notify import notify_card
from bots.errors import BotDisabledError
from bots.models import Bot
from core.access import audit
from core.access.actors import SYSTEM, Actor
from core.database.text import storable
from feishu.errors import FeishuError
from feishu.scopes import MAX_SCOPES, is_scope

if TYPE_CHECKING:
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

SHOWN_NAME = 40  # characters of a scope that is refused
EXPIRE_AT_ONCE = 500
MAX_SUPERSEDED = 50
NOT_OPENED = (SessionState.PENDING, SessionState.SENT)


def request_authorization(
    *,
    bot: Bot,
    open_id: str,
    actor: Actor,
    scopes: Sequence[str] | None = None,
    added_scopes: Sequence[str] = (),
    why: str = "",
    tenant_key: str = "",
    via: Via | None = None,
    deliver: Deliver = Deliver.CARD,
    return_url: str = "",
    request_key: str | None = None,
    shown_in: str = "",
    renews_until: datetime | None = None,
    lifetime: timedelta | None = None,
) -> AuthSession:
    """Ask the person ``open_id`` to authorize ``bot`` for ``scopes``; the card is sent after the commit.

    The same ``request_key`` asks once: a second call returns the first one's session. ``shown_in`` is the message whose
    card becomes the session's, so none is sent. ``via`` None: in the browser where the portal has a public address and
    the bot does not ask by device code, else by that. ``added_scopes``: those of the scopes that come on top of what is
    granted; the card names them and ``why``. ``renews_until``: the end of the authorization that this one is to renew; the card names it. ``lifetime`` of
    the link: FEISHU_AUTH_SESSION_MINUTES unless given.

    Older cards of the person that ask for nothing else are superseded, see ``_supersede_older``. Raises
    NoPublicAddressError, BotDisabledError, InvalidScopesError.
    """
    flow = via or (Via.BROWSER if settings.PUBLIC_URL and not bot.asks_by_device_code else Via.DEVICE)
    if flow == Via.BROWSER and not settings.PUBLIC_URL:
        raise NoPublicAddressError
    if not bot.enabled:
        raise BotDisabledError
    token = new_secret()
    session = AuthSession(
        bot=bot,
        open_id=open_id,
        tenant_key=tenant_key,
        scopes=checked_scopes(bot.auth_scopes if scopes is None else scopes),
        added_scopes=list(added_scopes),
        why=storable(why, 200),
        state=SessionState.SENT if shown_in or deliver == Deliver.LINK else SessionState.PENDING,
        requested_by=str(actor),
        operator_id=actor.operator_id,
        client_id=actor.client_id,
        request_key=request_key,
        via=flow,
        deliver=deliver,
        return_url=return_url,
        start_token=token,
        start_hash=digest(token),
        message_id=shown_in,
        card_state=SessionState.SENT if shown_in and flow == Via.BROWSER else "",
        renews_until=renews_until,
        expires_at=timezone.now() + (lifetime or timedelta(minutes=settings.AUTH_SESSION_MINUTES)),
    )
    try:
        with transaction.atomic():
            session.save(force_insert=True)
            _supersede_older(session, actor=actor)
            if flow == Via.DEVICE:
                DeviceConsent.objects.create(session=session)
            audit.record(
                actor=actor,
                action="auth_session.created",
                bot=bot,
                target=open_id,
                session=str(session.pk),
                scopes=session.scopes,
                via=session.via,
            )
            if not session.card_state and deliver == Deliver.CARD:
                notify_card(session.pk)
    except IntegrityError:
        if request_key is None:
            raise
        return AuthSession.objects.get(bot=bot, request_key=request_key)
    logger.info("authorization_requested", extra=of_session(session) | {"via": str(flow)})
    return session


def authorize_link(session: AuthSession) -> str:
    """Where the person consents: the portal's one-time link, or the platform's page for the session's device code. A secret;
    empty where there is none."""
    if not session.is_open:
        return ""
    if session.via == Via.DEVICE:
        return session.device.verification_uri if session.device.is_live else ""
    return f"{settings.PUBLIC_URL}/oauth/start/{session.start_token}/"


def checked_scopes(scopes: Sequence[str]) -> list[str]:
    """Each once. Raises InvalidScopesError."""
    unique = list(dict.fromkeys(scopes))
    if not unique or len(unique) > MAX_SCOPES:
        raise InvalidScopesError(f"Between 1 and {MAX_SCOPES} scopes can be asked for at once.")
    if wrong := [scope for scope in unique if not is_scope(scope)]:
        raise InvalidScopesError(f"No scope has such a name: {wrong[0][:SHOWN_NAME]!r}.")
    return unique


def end_session(
    session: AuthSession,
    *,
    state: SessionState,
    actor: Actor,
    reason: FailureReason | str = "",
    error: FeishuError | None = None,
) -> bool:
    """End an open session; False when something else ended it first. The card is updated after the commit."""
    failure = Failure.of(error) if error else Failure()
    with transaction.atomic():
        ended = (
            AuthSession.objects.open()
            .filter(pk=session.pk)
            .update(
                state=state,
                reason=reason,
                error_code=error.code if error else None,
                error_reason=failure.reason,
                error_said=failure.said,
                error_log_id=storable(error.log_id, 128) if error else "",
                finished_at=timezone.now(),
            )
        )
        if not ended:
            return False
        destroy_code(session)
        audit.record(
            actor=actor,
            action=f"auth_session.{state}",
            bot=session.bot,
            target=session.open_id,
            session=str(session.pk),
            reason=reason,
            code=error.code if error else None,
        )
        notify_card(session.pk)
    count_session(session.bot, state.value)
    logger.info(
        "authorization_ended", extra=of_session(session) | {"state": str(state), "reason": str(reason)}
    )
    session.refresh_from_db()
    return True


def destroy_code(session: AuthSession) -> None:
    """Destroy the device code of a session; call in the transaction that ends it."""
    if session.via == Via.DEVICE:
        DeviceConsent.objects.filter(pk=session.pk).update(
            device_code="", user_code="", verification_uri="", needs_code=False, next_poll_at=None
        )


def supersede_cards(session: AuthSession, *, scopes: Sequence[str]) -> None:
    """End the person's other open cards that ask for no more than ``scopes``, which the person has allowed by ``session``.
    Call in the transaction that stores the grant."""
    _supersede(_other_cards(session), covered_by=scopes, actor=SYSTEM)


def _supersede_older(session: AuthSession, *, actor: Actor) -> None:
    """End the person's cards whose place a new one takes: one card asks for one thing. A card that was opened goes on, its
    person is on the consent page. An API client's card is superseded by the client itself or by the person: two clients that
    ask again and again would send one card after the other."""
    if session.deliver != Deliver.CARD:
        return
    cards = _other_cards(session).filter(state__in=NOT_OPENED)
    if actor.kind != "user":
        cards = cards.filter(client=actor.client_id)
    _supersede(cards, covered_by=session.scopes, actor=actor)


def _supersede(cards: "QuerySet[AuthSession]", *, covered_by: Sequence[str], actor: Actor) -> None:
    covering = set(covered_by)
    for card in cards.select_related("bot").order_by("-created_at", "-id")[:MAX_SUPERSEDED]:
        if covering >= set(card.scopes):
            end_session(card, state=SessionState.SUPERSEDED, actor=actor)


def _other_cards(session: AuthSession) -> "QuerySet[AuthSession]":
    """Other open cards of the same person and bot. Who has just come back from the platform is not disturbed."""
    cards = AuthSession.objects.open().filter(
        bot=session.bot, open_id=session.open_id, deliver=Deliver.CARD, state_used_at=None
    )
    return in_tenant(cards, session.tenant_key).exclude(pk=session.pk)


def cancel_session(session: AuthSession, *, actor: Actor) -> bool:
    """Withdraw an open session."""
    return end_session(session, state=SessionState.CANCELLED, actor=actor)


def end_overdue(session: AuthSession) -> bool:
    """End an open session whose time is over, or that was left half done."""
    if session.state_used_at is not None:
        return end_session(session, state=SessionState.FAILED, reason=FailureReason.INTERRUPTED, actor=SYSTEM)
    return end_session(session, state=SessionState.EXPIRED, actor=SYSTEM)


def end_overdue_sessions() -> list[UUID]:
    """End sessions whose time is over, and those whose person returned to a process that died; returns which."""
    late = [
        *AuthSession.objects.overdue().select_related("bot")[:EXPIRE_AT_ONCE],
        *AuthSession.objects.interrupted().select_related("bot")[:EXPIRE_AT_ONCE],
    ]
    return [session.pk for session in late if end_overdue(session)]
