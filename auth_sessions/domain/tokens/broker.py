"""Handing out access tokens: which grant is meant, the record of it, and whom to ask when there is none to hand out.

Refresh tokens are sent by the refresher alone, of which a refresh is requested here.
"""

from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from auth_sessions.domain.sessions import request_authorization
from auth_sessions.domain.tokens.refresh_wait import read_grant
from auth_sessions.domain.tokens.scopes import renewed_scopes
from auth_sessions.domain.tokens.usage import note_use, request_refresh
from auth_sessions.domain.tokens.uses import record_hand_out
from auth_sessions.enums import Deliver, RefreshPhase
from auth_sessions.errors import TenantNeededError, TokenNotFoundError
from auth_sessions.metrics import count_token_served
from auth_sessions.models import AuthSession, UserToken
from bots.models import Bot
from core.access.actors import Actor
from core.access.models import ApiClient

JUST_ISSUED = timedelta(minutes=1)  # a token that young is not rejected for its age: no refresh would help
LINK_LEFT = timedelta(minutes=1)  # a link that ends sooner is not worth handing out


def find_grant(
    *, bot: Bot, person: str, tenant_key: str = "", among: QuerySet[UserToken] | None = None
) -> UserToken:
    """The grant of a person, by open_id, union_id, user_id or e-mail address. ``tenant_key`` is needed only where two tenants
    know the same one. ``among``: how the row is to be read.

    Raises TokenNotFoundError, TenantNeededError.
    """
    grants = (UserToken.objects.all() if among is None else among).filter(identified_by(person), bot=bot)
    if tenant_key:
        grants = grants.filter(tenant_key=tenant_key)
    found = list(grants[:2])
    if not found:
        raise TokenNotFoundError
    if len(found) > 1:
        raise TenantNeededError
    found[0].bot = bot
    return found[0]


def identified_by(person: str) -> Q:
    """Grants of whom an id of this look names (page "How to get user IDs"); a user_id may have any form but the others'."""
    if "@" in person:
        return Q(email=person.lower()) | Q(user_id=person)
    if person.startswith("on_"):
        return Q(union_id=person)
    return Q(open_id=person) if person.startswith("ou_") else Q(user_id=person)


def is_of_another_app(open_id: str, *, bot: Bot, among: QuerySet[Bot]) -> bool:
    """Whether another bot, of those given, knows a person by this open_id."""
    grants = UserToken.objects.filter(open_id=open_id, bot__in=among).exclude(bot=bot)
    return open_id.startswith("ou_") and grants.exists()


@transaction.atomic
def hand_out(grant: UserToken, *, client: ApiClient) -> str:
    """The access token, for ``client``. The record of it is committed when this returns. Raises SealedValueError."""
    token = grant.access_token
    record_hand_out(grant, client=client)
    note_use(grant)
    transaction.on_commit(partial(count_token_served, grant.bot))
    return token


def report_rejected(grant_id: UUID, generation: int) -> UserToken | None:
    """The platform rejected the access token of ``generation``: the grant where another is there or may come, else None."""
    grant = read_grant(grant_id)
    if grant is None or grant.generation != generation:
        return grant
    issued_at = max(grant.authorized_at, grant.refreshed_at or grant.authorized_at)
    if timezone.now() - issued_at < JUST_ISSUED or grant.phase in {
        RefreshPhase.UNCERTAIN,
        RefreshPhase.STOPPED,
    }:
        return None
    request_refresh(grant)
    return grant


@transaction.atomic
def request_reauthorization(grant: UserToken, *, actor: Actor) -> AuthSession:
    """A session whose link the API client ``actor`` may pass on to the person, for the scopes that were granted and those that the
    bot asks for by default. However often the client asks, it gets the same session as long as that is open.

    Raises one of CANNOT_ASK where nobody can be asked.
    """
    # Two requests at once get the same session.
    UserToken.objects.select_for_update(no_key=True).get(pk=grant.pk)
    asked = AuthSession.objects.open().filter(
        bot=grant.bot,
        open_id=grant.open_id,
        tenant_key=grant.tenant_key,
        client=actor.client_id,
        deliver=Deliver.LINK,
        expires_at__gt=timezone.now() + LINK_LEFT,
    )
    return asked.order_by("-created_at").first() or request_authorization(
        bot=grant.bot,
        open_id=grant.open_id,
        tenant_key=grant.tenant_key,
        scopes=renewed_scopes(grant),
        deliver=Deliver.LINK,
        actor=actor,
    )
