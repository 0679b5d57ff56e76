"""API clients and their keys: made once, shown once, stored as a hash."""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from core.access import audit
from core.access.actors import Actor
from core.access.models import ApiClient, ApiClientQuerySet
from core.access.scopes import Scope

# A write for every call would cost more than the answer; operators need the day, not the second.
LAST_USED_STEP = timedelta(minutes=1)


@transaction.atomic
def add_api_client(
    *,
    name: str,
    scopes: Collection[Scope],
    bots: Collection[audit.Bot],
    expires_at: datetime | None,
    actor: Actor,
    proxy_paths: Sequence[str] = (),
) -> tuple[ApiClient, str]:
    """Create a client and its key; the key exists only in the return value. No ``bots`` means all of them, no
    ``proxy_paths`` (rules of `path_rules`) every call."""
    client = ApiClient(
        name=name,
        scopes=sorted(scope.value for scope in scopes),
        bot_ids=sorted(str(bot.pk) for bot in bots),
        all_bots=not bots,
        proxy_paths=list(proxy_paths),
        expires_at=expires_at,
    )
    key = _new_key(client)
    client.save(force_insert=True)
    audit.record(
        actor=actor,
        action="api_client.created",
        target=name,
        scopes=client.scopes,
        app_ids=sorted(bot.app_id for bot in bots),
        proxy_paths=client.proxy_paths,
    )
    return client, key


@transaction.atomic
def replace_key(client: ApiClient, *, actor: Actor) -> str:
    """Give the client a new key, which is returned; the old one stops working at once."""
    key = _new_key(client)
    client.save(update_fields=["prefix", "key_hash"])
    audit.record(actor=actor, action="api_client.key_replaced", target=client.name)
    return key


def client_of(key: str, *, among: ApiClientQuerySet | None = None) -> ApiClient | None:
    """The usable client that holds ``key``. ``among``: how the row is to be read."""
    clients = ApiClient.objects.all() if among is None else among
    client = clients.usable().with_key(key).first()
    if client:
        note_use(client)
    return client


def note_use(client: ApiClient) -> None:
    """Write the time of the client's last use, where it is a while ago."""
    if is_use_to_be_noted(client):
        client.last_used_at = timezone.now()
        ApiClient.objects.filter(pk=client.pk).update(last_used_at=client.last_used_at)


def is_use_to_be_noted(client: ApiClient) -> bool:
    """Whether the time of the client's last use has to be written again."""
    return client.last_used_at is None or timezone.now() - client.last_used_at > LAST_USED_STEP


def _new_key(client: ApiClient) -> str:
    client.prefix = secrets.token_hex(4)
    key = f"fp_{client.prefix}_{secrets.token_urlsafe(32)}"
    client.key_hash = hashlib.sha256(key.encode()).hexdigest()
    return key
