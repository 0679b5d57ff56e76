"""Rows that tests begin with."""

import itertools
import json
import time
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from auth_sessions.models import UserToken
from bots.enums import PlatformName, SlotState
from bots.models import Bot, CardTemplate
from bots.service import BotChanges, save_bot
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.models import ApiClient, User
from core.access.roles import Role
from core.access.scopes import Scope
from events.enums import SubscriptionKind
from events.models import Subscription
from events.subscriptions.service import add_subscription

PLATFORM = "http://platform.test"
_numbers = itertools.count(1)


def make_bot(**values: Any) -> Bot:
    """A bot of a platform at ``http://platform.test``, with its slots. Saved as the service saves what it has validated."""
    number = next(_numbers)
    defaults = {
        "name": f"Helper {number}",
        "platform": PlatformName.CUSTOM,
        "open_url": PLATFORM,
        "accounts_url": PLATFORM,
        "app_secret": f"app-secret-{number}",
    }
    bot = Bot(app_id=f"cli_{number:016x}")
    save_bot(bot, changed=BotChanges(defaults | values).apply(bot), actor=SYSTEM)
    return bot


def make_card_template(bot: Bot | None, **values: Any) -> CardTemplate:
    """A card whose one element says what the variable `text` holds."""
    element = {"tag": "markdown", "content": "{{text}}"}
    defaults = {
        "name": f"card-{next(_numbers)}",
        "card": json.dumps({"schema": "2.0", "body": {"elements": [element]}}),
        "variables": {"text": {"type": "text", "example": "Disk full"}},
    }
    return CardTemplate.objects.create(bot=bot, **(defaults | values))


def move_bot(bot: Bot, **values: Any) -> None:
    """Move the bot with its grants to another platform, as an operator cannot: what is sealed for one opens for no other."""
    secret = bot.app_secret
    grants = [
        (grant, grant.access_token, grant.refresh_token) for grant in bot.user_tokens.select_related("bot")
    ]
    for name, value in values.items():
        setattr(bot, name, value)
    bot.app_secret = secret
    bot.save()
    for grant, access_token, refresh_token in grants:
        grant.bot = bot
        grant.access_token, grant.refresh_token = access_token, refresh_token
        grant.save()


def connect_slots(slots: Any, **values: Any) -> None:
    """Make these connections connected, held by a process that is alive."""
    lease_until = timezone.now() + timedelta(hours=1)
    slots.update(state=SlotState.CONNECTED, holder=uuid4(), lease_until=lease_until, **values)


def make_operator(username: str = "", *, superuser: bool = False, role: Role | None = None) -> User:
    """An operator of the console with the password "correct horse"; with ``superuser`` an administrator."""
    name = username or f"operator{next(_numbers)}"
    role = role or (Role.ADMINISTRATOR if superuser else Role.OPERATOR)
    return User.objects.create(username=name, password=_hashed(), role=role)


@cache
def _hashed() -> str:
    """Argon2 is slow on purpose: a tenth of a second each time."""
    return make_password("correct horse")


def make_client(name: str = "", *scopes: Scope) -> ApiClient:
    """An API client that may use every bot."""
    made, _key = add_api_client(
        name=name or f"system {next(_numbers)}", scopes=scopes, bots=(), expires_at=None, actor=SYSTEM
    )
    return made


def make_grant(bot: Bot, *, open_id: str = "ou_asked", **values: Any) -> UserToken:
    """An active grant whose access token lives for two hours and falls due in one."""
    now = timezone.now()
    defaults = {
        "tenant_key": "tenant",
        "access_token": "access-token-1",
        "refresh_token": "refresh-token-1",
        "access_expires_at": now + timedelta(hours=2),
        "refresh_expires_at": now + timedelta(days=7),
        "half_life_at": now + timedelta(hours=1),
        "next_refresh_at": now + timedelta(hours=1),
        "authorized_at": now,
        "used_at": now,
        "reauthorize_by": now + timedelta(days=365),
        "scopes": ["offline_access"],
    }
    return UserToken.objects.create(bot=bot, open_id=open_id, **(defaults | values))


def message_event(
    *,
    text: str = "/auth",
    open_id: str = "ou_asked",
    message_id: str = "",
    event_id: str = "",
    **message: Any,
) -> dict[str, Any]:
    """The payload of an im.message.receive_v1 event, as the platform documents it, for no app in particular."""
    number = next(_numbers)
    return {
        "schema": "2.0",
        "header": {
            "event_id": event_id or f"{number:032x}",
            "event_type": "im.message.receive_v1",
            "create_time": str(time.time_ns() // 1_000_000),
            "token": "verification-token",
            "app_id": "",
            "tenant_key": "tenant",
        },
        "event": {
            "sender": {
                "sender_id": {"open_id": open_id, "union_id": "on_1", "user_id": "u1"},
                "sender_type": "user",
                "tenant_key": "tenant",
            },
            "message": {
                "message_id": message_id or f"om_{number}",
                "create_time": "1700000000123",
                "chat_id": "oc_1",
                "chat_type": "p2p",
                "message_type": "text",
                "content": json.dumps({"text": text}),
            }
            | message,
        },
    }


def click_event(*, value: Any, open_id: str = "ou_asked", message_id: str = "om_card") -> dict[str, Any]:
    """The payload of a click on a card's button."""
    number = next(_numbers)
    return {
        "schema": "2.0",
        "header": {
            "event_id": f"{number:032x}",
            "event_type": "card.action.trigger",
            "create_time": "1700000000123456",
            "token": "verification-token",
            "app_id": "",
            "tenant_key": "tenant",
        },
        "event": {
            "operator": {"open_id": open_id, "union_id": "on_1", "tenant_key": "tenant"},
            "token": f"c-{number:040x}",
            "action": {"value": value, "tag": "button", "name": "retry"},
            "host": "im_message",
            "context": {"open_message_id": message_id, "open_chat_id": "oc_1"},
        },
    }


def revoked_event(
    *, reason: str = "Revoked by user action.", open_id: str = "ou_asked", **header: Any
) -> dict[str, Any]:
    """The payload of an auth.user_access_token.revoked_v4 event, as the platform documents it."""
    number = next(_numbers)
    return {
        "schema": "2.0",
        "header": {
            "event_id": f"{number:032x}",
            "event_type": "auth.user_access_token.revoked_v4",
            "create_time": str(int(timezone.now().timestamp() * 1000)),
            "token": "verification-token",
            "app_id": "",
            "tenant_key": "tenant",
        }
        | header,
        "event": {
            "revoke_token_type": "user_access_token refresh_token",
            "revoke_reason": reason,
            "open_id": open_id,
            "union_id": "on_1",
            "user_id": "u1",
        },
    }


def make_subscription(*bots: Bot, **values: Any) -> Subscription:
    """A subscription to all events of these bots, pushed to ``https://shop.example.com/hook``, of a superuser's."""
    subscription = Subscription(
        **{
            "name": f"Shop {next(_numbers)}",
            "owner": values.pop("owner", None) or make_operator(superuser=True),
            "event_types": ["*"],
            "url": "" if values.get("kind") == SubscriptionKind.PULL else "https://shop.example.com/hook",
            "all_bots": not bots,
        }
        | values
    )
    add_subscription(subscription, bots=bots, actor=SYSTEM)
    return subscription
