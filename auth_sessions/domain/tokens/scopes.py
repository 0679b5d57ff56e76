"""The scopes that a grant lacks, and asking the person for them on top of what is granted (incremental consent)."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from auth_sessions.domain.sessions import request_authorization
from auth_sessions.domain.tokens.one_of import choose_one
from auth_sessions.enums import Deliver, SessionState, Via
from auth_sessions.errors import AskedTooOftenError
from auth_sessions.models import AuthSession, UserToken
from core.access.actors import Actor
from feishu.scopes import MAX_SCOPES, is_scope

REQUESTS_A_DAY = 3  # of one bot to one person


def wanted_scopes(grant: UserToken) -> list[str]:
    """The scopes that the bot asks everybody for, and those that the person was last asked for."""
    last = _sessions_of(grant).order_by("-created_at").values_list("scopes", flat=True).first() or []
    return list(dict.fromkeys([*grant.bot.auth_scopes, *last]))


def renewed_scopes(grant: UserToken) -> list[str]:
    """What a renewal asks for: the bot's own scopes, then those that are granted, as many as fit."""
    granted = [scope for scope in grant.scopes if is_scope(scope)]
    return list(dict.fromkeys([*grant.bot.auth_scopes, *granted]))[:MAX_SCOPES]


def _sessions_of(grant: UserToken) -> QuerySet[AuthSession]:
    """The person's sessions. Operators and API clients may ask without naming the tenant."""
    tenants = ("", grant.tenant_key)
    return AuthSession.objects.filter(bot=grant.bot, open_id=grant.open_id, tenant_key__in=tenants)


def lacking(grant: UserToken, scopes: Iterable[str]) -> list[str]:
    """Those of ``scopes`` that are not granted; in order, without duplicates."""
    granted = set(grant.scopes)
    return [scope for scope in dict.fromkeys(scopes) if scope not in granted]


def ask_for_scopes(
    *,
    grant: UserToken,
    scopes: Sequence[str],
    actor: Actor,
    one_of: bool = False,
    why: str = "",
    via: Via | None = None,
    deliver: Deliver = Deliver.CARD,
    return_url: str = "",
) -> AuthSession | None:
    """Ask the person for ``scopes`` on top of what is granted, and at once for all that the bot asks everybody for and this person
    has not granted: who is asked for one scope after the other stops reading. The card shows ``why``. None when none of
    ``scopes`` is lacking. ``one_of``: any one of them is enough, as of those of a ScopesLackingError; the person is asked for the
    one that the app has (`choose_one`, outside of a transaction).

    The grant stays as it is unless the person consents: then one consent covers old and new scopes. While a request that
    covers the scopes is open, it is returned, whoever made it, and no second card is sent; a link is only for the ``actor``
    who asked for it. Raises AskedTooOftenError after three requests in a day, or when the person declined these very scopes
    in that time, and what `request_authorization` and `choose_one` raise.
    """
    if one_of and scopes:
        if len(lacking(grant, scopes)) < len(set(scopes)):
            return None
        scopes = [choose_one(grant.bot, scopes)]
    return _ask(grant, scopes, actor=actor, why=why, via=via, deliver=deliver, return_url=return_url)


@transaction.atomic
def _ask(
    grant: UserToken,
    scopes: Sequence[str],
    *,
    actor: Actor,
    why: str,
    via: Via | None,
    deliver: Deliver,
    return_url: str,
) -> AuthSession | None:
    UserToken.objects.select_for_update(no_key=True).get(pk=grant.pk)  # two requests at once ask once
    if not lacking(grant, scopes):
        return None
    added = lacking(grant, [*scopes, *grant.bot.auth_scopes])[:MAX_SCOPES]
    lately = (
        _sessions_of(grant).filter(created_at__gt=timezone.now() - timedelta(days=1)).exclude(added_scopes=[])
    )
    recent = list(lately.order_by("-created_at")[: REQUESTS_A_DAY * 2])
    covering = [session for session in recent if set(added) <= set(session.added_scopes)]
    for session in covering:
        is_theirs = deliver == Deliver.CARD or session.is_requested_by(actor)
        if session.is_open and session.deliver == deliver and is_theirs:
            return session
    declined = any(session.state == SessionState.DENIED for session in covering)
    if declined or len(recent) >= REQUESTS_A_DAY:
        raise AskedTooOftenError
    kept = [scope for scope in grant.scopes if scope not in added and is_scope(scope)]
    return request_authorization(
        bot=grant.bot,
        open_id=grant.open_id,
        tenant_key=grant.tenant_key,
        scopes=[*added, *kept[: max(0, MAX_SCOPES - len(added))]],
        added_scopes=added,
        why=why,
        via=via,
        deliver=deliver,
        return_url=return_url,
        actor=actor,
    )
