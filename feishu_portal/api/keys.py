"""API keys: who calls, and what the key allows."""

from typing import cast
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja.security import HttpBearer

from auth_sessions.domain.agents import tokens
from bots.models import Bot
from core.access.actors import Actor
from core.access.api_keys import client_of
from core.access.models import ApiClient
from core.access.scopes import Scope
from core.log_context import add_to_log
from core.remote_address import address_of
from events.models import Subscription
from events.subscriptions.reach import reachable_bots
from feishu_portal.api.mcp.inner import AGENT
from feishu_portal.api.problems import Problem, not_found


class ApiKey(HttpBearer):
    """``Authorization: Bearer fp_…``"""

    def authenticate(self, request: HttpRequest, token: str) -> ApiClient | None:
        if token.startswith(tokens.ACCESS):
            # Good at the endpoint of agents alone, whose tools ask from within.
            is_from_within = getattr(request, "scope", {}).get(AGENT) is not None
            return tokens.client_of(token) if is_from_within else None
        return client_of(token)


def bearer(header: str) -> str:
    """The key in an ``Authorization`` header; empty where there is none."""
    scheme, _, key = header.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def caller(request: HttpRequest, *scopes: Scope) -> ApiClient:
    """The client that calls, if it holds one of ``scopes``; raises Problem otherwise."""
    client = cast("ApiClient", request.auth)  # type: ignore[attr-defined]
    return permitted(client, *scopes)


def actor_of(request: HttpRequest) -> Actor:
    """The client that calls, for the audit log."""
    return Actor.api(cast("ApiClient", request.auth)).at(address_of(request))  # type: ignore[attr-defined]


def permitted(client: ApiClient, *scopes: Scope) -> ApiClient:
    """The client, if it holds one of ``scopes``; raises Problem otherwise."""
    if not any(client.may(scope) for scope in scopes):
        lacking = " or ".join(scope.value for scope in scopes)
        raise Problem(403, "not_permitted", f"The API key lacks the scope {lacking}.", scope=lacking)
    return client


def bot_named(bot_id: str) -> Bot | None:
    """The bot with this id or App ID, whoever may use it."""
    try:
        return Bot.objects.filter(pk=UUID(bot_id)).first()
    except ValueError:
        return Bot.objects.filter(app_id=bot_id).first()


def bots_of(client: ApiClient) -> QuerySet[Bot]:
    """The bots that the client may use."""
    return Bot.objects.all() if client.all_bots else Bot.objects.filter(pk__in=client.bot_ids)


def covers(client: ApiClient, subscription: Subscription) -> bool:
    """Whether the client may use every bot whose events the subscription gets; of one that gets none, only a client of all
    bots may know."""
    if client.all_bots:
        return True
    bots = reachable_bots(subscription)
    return bool(bots) and bots <= set(Bot.objects.filter(pk__in=client.bot_ids).values_list("pk", flat=True))


def bot_for(client: ApiClient, bot_id: str) -> Bot:
    """The bot with this id or App ID, if the client may use it; raises Problem 404 otherwise."""
    found = bot_named(bot_id)
    if found is None or not client.may_use(found.pk):
        raise not_found("bot")
    add_to_log(app_id=found.app_id, client=client.name)
    return found
