"""Whether people may connect agents, through which bot and under whose rules. What operators say is one row."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from auth_sessions.models import AgentAccess
from bots.models import Bot
from core.access import audit
from core.access.actors import Actor
from core.access.models import ApiClient, ApiClientQuerySet
from core.access.scopes import Scope

RESOURCE_PATH: Final = "/mcp"
SCOPE: Final = "act"
"""The one scope there is (RFC 6749): to act as the person, as far as the rules go."""
SCOPES: Final = frozenset({Scope.PROXY_USER, Scope.AUTH_CREATE})
"""What an agent of a person may do of all that the API client with the rules may."""


@dataclass(frozen=True, slots=True)
class Offer:
    """People may connect agents: through ``bot``, under the rules of ``client``."""

    bot: Bot
    client: ApiClient


def offer() -> Offer | None:
    """None where it is off, or where nothing could come of it. Two queries."""
    if not settings.PUBLIC_URL:
        return None
    access = AgentAccess.objects.select_related("bot").filter(enabled=True).first()
    if access is None or access.bot is None or not access.bot.enabled:
        return None
    client = rules(access.bot.pk, client_id=access.client_id)
    return Offer(access.bot, client) if client else None


def rules(
    bot_id: UUID, *, client_id: int | None = None, among: ApiClientQuerySet | None = None
) -> ApiClient | None:
    """The API client whose rules hold for agents that act with the bot; None where they may not. ``client_id``: if it is known
    that it is on. ``among``: how the row is to be read."""
    clients = ApiClient.objects.all() if among is None else among
    if client_id is None:
        client_id = AgentAccess.objects.filter(enabled=True).values_list("client_id", flat=True).first()
    client = clients.usable().filter(pk=client_id).first() if client_id else None
    if client is None or not client.may_use(bot_id) or not client.may(Scope.PROXY_USER):
        return None
    return client


def resource() -> str:
    """The address that tokens are for (RFC 8707)."""
    return f"{settings.PUBLIC_URL}{RESOURCE_PATH}"


@transaction.atomic
def set_access(access: AgentAccess, *, actor: Actor) -> None:
    """Keep what an operator chose."""
    access.save()
    audit.record(
        actor=actor,
        action="agent_access.updated",
        bot=access.bot,
        target=access.client.name if access.client else "",
        enabled=access.enabled,
    )
