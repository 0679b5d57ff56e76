"""What an app receives: schema 2.0 and 1.0 around an event, and the events the sandbox raises by itself.

Shapes as in the pages "Event overview", "Receive message", "Card callback communication" and the pages of
each event.
"""

import json
import secrets
from collections.abc import Iterable
from typing import Any

import msgspec

from sandbox.config import AppConfig, PersonConfig
from sandbox.world import ids
from sandbox.world.messages import Chat, Message, Preview, Reaction

EMPLOYEE_ID_SCOPE = "contact:user.employee_id:readonly"


def schema_2(app: AppConfig, event_type: str, event: Any, *, event_id: str, create_time: str) -> bytes:
    """The envelope of nearly all events; `create_time` is milliseconds, microseconds for card callbacks."""
    return msgspec.json.encode(
        {
            "schema": "2.0",
            "header": {
                "event_id": event_id,
                "event_type": event_type,
                "create_time": create_time,
                "token": app.verification_token,
                "app_id": app.app_id,
                "tenant_key": app.tenant_key,
            },
            "event": event,
        }
    )


def schema_1(app: AppConfig, event_type: str, event: dict[str, Any], *, uuid: str, seconds: float) -> bytes:
    """The old envelope: `ts` is a string of fractional seconds, the type is inside the event."""
    return msgspec.json.encode(
        {
            "ts": f"{seconds:.7f}",
            "uuid": uuid,
            "token": app.verification_token,
            "type": "event_callback",
            "event": {"type": event_type, "app_id": app.app_id, "tenant_key": app.tenant_key, **event},
        }
    )


def with_new_event_id(payload: bytes) -> bytes:
    """The same event under another id, as the platform may push a message again."""
    envelope = json.loads(payload)
    if "header" in envelope:
        envelope["header"]["event_id"] = ids.event_id()
    elif "uuid" in envelope:
        envelope["uuid"] = ids.event_id()
    return msgspec.json.encode(envelope)


def user_ids(app: AppConfig, person: PersonConfig) -> dict[str, str]:
    """The three ids of a person; `user_id` only with the scope for it."""
    return _user_ids(app, person.id)


def _user_ids(app: AppConfig, person_id: str) -> dict[str, str]:
    known = {"union_id": ids.union_id(person_id), "open_id": ids.open_id(app.app_id, person_id)}
    return {**known, "user_id": person_id} if EMPLOYEE_ID_SCOPE in app.scopes else known


def mentions_for(app: AppConfig, message: Message) -> list[dict[str, Any]]:
    """The mentions of a message, people under the ids by which the app knows them."""
    return [
        {**mention, "id": _user_ids(app, mention["id"]["user_id"])}
        if mention["mentioned_type"] == "user"
        else mention
        for mention in message.mentions
    ]


def message_received(app: AppConfig, person: PersonConfig, chat: Chat, message: Message) -> dict[str, Any]:
    """`im.message.receive_v1`."""
    optional = {
        "root_id": message.root_id,
        "parent_id": message.parent_id,
        "thread_id": message.thread_id,
        "mentions": mentions_for(app, message),
    }
    return {
        "sender": {
            "sender_id": user_ids(app, person),
            "sender_type": "user",
            "tenant_key": person.tenant_key,
        },
        "message": {
            "message_id": message.message_id,
            "create_time": str(message.create_time),
            "update_time": str(message.update_time),
            "chat_id": chat.chat_id,
            "chat_type": chat.kind,
            "message_type": message.msg_type,
            "content": message.content,
            **{key: value for key, value in optional.items() if value},
        },
    }


def chat_entered(app: AppConfig, person: PersonConfig, chat: Chat, last: Message | None) -> dict[str, Any]:
    """`im.chat.access_event.bot_p2p_chat_entered_v1`."""
    event: dict[str, Any] = {"chat_id": chat.chat_id, "operator_id": user_ids(app, person)}
    if last is not None:
        event["last_message_id"] = last.message_id
        event["last_message_create_time"] = str(last.create_time)
    return event


def chat_created(app: AppConfig, person: PersonConfig, chat: Chat) -> dict[str, Any]:
    """`p2p_chat_create`, schema 1.0."""
    known = {key: value for key, value in user_ids(app, person).items() if key != "union_id"}
    return {"chat_id": chat.chat_id, "operator": known, "user": {"name": person.name, **known}}


def message_recalled(message: Message, recalled_at: int) -> dict[str, Any]:
    """`im.message.recalled_v1`."""
    return {
        "message_id": message.message_id,
        "chat_id": message.chat_id,
        "recall_time": str(recalled_at),
        "recall_type": "message_owner",
    }


def reacted(
    app: AppConfig, person: PersonConfig | None, message: Message, reaction: Reaction
) -> dict[str, Any]:
    """`im.message.reaction.created_v1` and `.deleted_v1`; without a person an app has reacted."""
    event: dict[str, Any] = {
        "message_id": message.message_id,
        "reaction_type": {"emoji_type": reaction.emoji_type},
        "operator_type": reaction.by,
        "action_time": str(reaction.at),
    }
    return {**event, "user_id": user_ids(app, person)} if person else {**event, "app_id": reaction.operator}


def group_changed(app: AppConfig, chat: Chat, operator: PersonConfig | None) -> dict[str, Any]:
    """What the events about members of a group have in common."""
    event: dict[str, Any] = {
        "chat_id": chat.chat_id,
        "external": False,
        "name": chat.name,
        "i18n_names": {"zh_cn": chat.name, "en_us": chat.name, "ja_jp": chat.name},
    }
    if operator is not None:
        event["operator_id"] = user_ids(app, operator)
        event["operator_tenant_key"] = operator.tenant_key
    return event


def users_of(app: AppConfig, people: Iterable[PersonConfig]) -> list[dict[str, Any]]:
    """The `users` of those events."""
    return [
        {"name": person.name, "tenant_key": person.tenant_key, "user_id": user_ids(app, person)}
        for person in people
    ]


def messages_read(
    app: AppConfig, person: PersonConfig, messages: Iterable[Message], at: int
) -> dict[str, Any]:
    """`im.message.message_read_v1`; `at` is milliseconds."""
    return {
        "reader": {
            "reader_id": user_ids(app, person),
            "read_time": str(at),
            "tenant_key": person.tenant_key,
        },
        "message_id_list": [message.message_id for message in messages],
    }


def menu_clicked(app: AppConfig, person: PersonConfig, event_key: str, at: float) -> dict[str, Any]:
    """`application.bot.menu_v6`; `at` is seconds."""
    return {
        "operator": {"operator_name": person.name, "operator_id": user_ids(app, person)},
        "event_key": event_key,
        "timestamp": int(at),
    }


def token_revoked(app: AppConfig, person: PersonConfig, reason: str) -> dict[str, Any]:
    """`auth.user_access_token.revoked_v4`."""
    return {
        "revoke_token_type": "user_access_token refresh_token",
        "revoke_reason": f"Revoked by {reason} action.",
        **user_ids(app, person),
    }


def card_clicked(
    app: AppConfig,
    person: PersonConfig,
    message: Message,
    *,
    token: str,
    action: dict[str, Any],
    preview: Preview | None = None,
) -> dict[str, Any]:
    """`card.action.trigger`; with `preview` of the card below a link."""
    event = {
        "operator": {"tenant_key": person.tenant_key, **user_ids(app, person)},
        "token": token,
        "action": action,
        "host": "im_message",
        "context": _context(message),
    }
    if preview is None:
        return event
    context = {"url": preview.url, "preview_token": preview.token, **_context(message)}
    return {**event, "delivery_type": "url_preview", "context": context}


def link_seen(
    app: AppConfig, person: PersonConfig, message: Message, *, url: str, token: str
) -> dict[str, Any]:
    """`url.preview.get`."""
    return {
        "operator": {"tenant_key": person.tenant_key, **user_ids(app, person)},
        "host": "im_message",
        "context": {"url": url, "preview_token": token, **_context(message)},
    }


def _context(message: Message) -> dict[str, str]:
    return {"open_message_id": message.message_id, "open_chat_id": message.chat_id}


def challenge(app: AppConfig) -> tuple[str, bytes]:
    """The challenge that proves a webhook URL, and the body that carries it."""
    value = secrets.token_hex(16)
    body = {"challenge": value, "token": app.verification_token, "type": "url_verification"}
    return value, msgspec.json.encode(body)
