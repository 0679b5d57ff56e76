"""Callers of the API."""

from collections.abc import Collection
from datetime import datetime

from django.http import HttpResponse
from django.test import Client

from bots.models import Bot
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.models import ApiClient
from core.access.scopes import Scope


def api_client(*scopes: Scope, bots: Collection[Bot] = (), expires_at: datetime | None = None) -> Client:
    """A client with a key of its own, named "system 0", "system 1" and so on; without ``bots`` for all of them."""
    _, key = add_api_client(
        name=f"system {ApiClient.objects.count()}",
        scopes=scopes,
        bots=bots,
        expires_at=expires_at,
        actor=SYSTEM,
    )
    return Client(headers={"Authorization": f"Bearer {key}"})


def ask_for_authorization(client: Client, bot: Bot, **body: object) -> HttpResponse:
    """``POST …/auth-sessions``, for a person the bot knows as ou_asked."""
    wanted = {"open_id": "ou_asked"} | body
    return client.post(f"/api/v1/bots/{bot.app_id}/auth-sessions", wanted, "application/json")
