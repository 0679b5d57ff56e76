"""Schemas, headers, parameters and words of the OpenAPI document that no route declares."""

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from core.access.scopes import Scope
from events.subscriptions.payload import DeliveredEvent
from feishu_portal.api.description.examples import DELIVERED_EVENT

Document = dict[str, Any]

INTRODUCTION: Final = """\
Events, messages, authorizations and tokens of Feishu and Lark bots.

**Keys.** Every request carries an API key, `Authorization: Bearer fp_…`, which an operator makes in the console or with
`manage.py addapiclient`. A key has scopes and bots; what is not the key's is answered as if it were not there.

**Errors** are problems (RFC 9457): `code` is stable and for programs, `detail` for people. Those of the platform add
`platform_code`, `cause`, `cure`, `log_id` and `sent`, which is `no` where nothing can have happened. A method that an
address does not have is answered with 405 `method_not_allowed`. New codes may be added: treat one that you do not know by
its status.

**Requests and answers.** Answers are not to be cached. `X-Request-ID` names the request in the portal's log; send one of
your own (up to 64 letters, digits, `.`, `_`, `-`) and it is kept. New members may be added to answers: ignore what you do
not know. Lists are paged: go on with `cursor` until `next_cursor` is null.

**Events** come to receivers pushed, fetched or as a stream: asyncapi.yaml describes them. The portal's WebSocket addresses
(`/live/…`) are for the console's own pages, with the operator's session, and may change at any time.
"""
TAGS: Final = {
    "bots": "Bots and the state of their connections.",
    "authorization": "Asking people for authorization.",
    "users": "Who authorized a bot, and their access tokens.",
    "messages": "Sending as the bot.",
    "alerts": "What Alertmanager reports, as cards in a chat.",
    "events": "The event log.",
    "subscriptions": "Fetching events. For pushed events see asyncapi.yaml.",
    "proxy": "Calling the platform's own API with the bot's or a person's token, which the portal adds.",
    "agents": "The same for agents, as tools.",
    "long connections": "Routes in the shapes that older systems expect.",
    "webhook": "What the platform calls.",
}
SCOPES: Final[Mapping[str, tuple[Scope, ...]]] = {
    "list_bots": (Scope.BOTS_READ,),
    "get_bot": (Scope.BOTS_READ,),
    "list_incidents": (Scope.BOTS_READ,),
    "list_users": (Scope.TOKENS_ISSUE, Scope.TOKENS_REVOKE, Scope.PROXY_USER),
    "get_person": (Scope.TOKENS_ISSUE, Scope.TOKENS_REVOKE, Scope.PROXY_USER),
    "issue_token": (Scope.TOKENS_ISSUE,),
    "revoke_token": (Scope.TOKENS_REVOKE,),
    "send_message": (Scope.MESSAGES_SEND,),
    "reply": (Scope.MESSAGES_SEND,),
    "update_card": (Scope.MESSAGES_SEND,),
    "create_message_batch": (Scope.MESSAGES_SEND,),
    "list_message_batches": (Scope.MESSAGES_SEND,),
    "get_message_batch": (Scope.MESSAGES_SEND,),
    "list_batch_recipients": (Scope.MESSAGES_SEND,),
    "retry_message_batch": (Scope.MESSAGES_SEND,),
    "cancel_message_batch": (Scope.MESSAGES_SEND,),
    "list_card_templates": (Scope.MESSAGES_SEND,),
    "get_card_template": (Scope.MESSAGES_SEND,),
    "take_alerts": (Scope.ALERTS_SEND,),
    "list_events": (Scope.EVENTS_READ,),
    "get_event": (Scope.EVENTS_READ,),
    "replay_event": (Scope.EVENTS_REPLAY,),
    "get_subscription": (Scope.EVENTS_READ,),
    "fetch_events": (Scope.EVENTS_READ,),
    "stream_events": (Scope.EVENTS_READ,),
    "ack_events": (Scope.EVENTS_READ,),
    "create_session": (Scope.AUTH_CREATE,),
    "get_approval": (Scope.PROXY_USER,),
    "get_session": (Scope.AUTH_CREATE,),
    "delete_session": (Scope.AUTH_CREATE,),
    "connect_bot": (Scope.BOTS_MANAGE,),
    "disconnect_bot": (Scope.BOTS_MANAGE,),
    "bot_status": (Scope.BOTS_READ,),
    "all_statuses": (Scope.BOTS_READ,),
}
"""Any one of them, by the operation's name."""
SECURITY_SCHEMES: Final[Document] = {
    "ApiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, `fp_…`. Scopes:\n\n" + "\n".join(f"- `{scope.value}`" for scope in Scope),
    },
    "Operator": {
        "type": "apiKey",
        "in": "cookie",
        "name": "feishu_portal_session",
        "description": "A signed-in operator of the console; what changes something needs the CSRF token in `X-CSRFToken`.",
    },
}
HEADERS: Final[Document] = {
    name: {"description": words, "schema": {"type": kind}}
    for name, kind, words in (
        ("X-Request-ID", "string", "The request in the portal's log; your own where you sent one"),
        ("Retry-After", "integer", "Seconds; there where a repetition at that time may succeed"),
        ("WWW-Authenticate", "string", "`Bearer`"),
        ("Cache-Control", "string", "`no-store`"),
        ("Idempotency-Replayed", "string", "`true` where an earlier request with the key was answered again"),
        ("Feishu-Portal-Identity", "string", "`user` or `app`: as whom the call was made"),
        ("Feishu-Portal-Generation", "integer", "Which of the user's tokens the call carried"),
        (
            "Feishu-Portal-Replay",
            "string",
            "The token was rejected, and the call sent once more (`done`) or not (`body-too-large`, `no-other-token`)",
        ),
        (
            "Feishu-Portal-Missing-Scopes",
            "string",
            "What the user has yet to grant, with blanks between; to be asked for at the address in `Link`",
        ),
        ("Feishu-Portal-Location", "string", "Where a redirect would lead, which is not followed"),
        ("Link", "string", 'The address of `POST …/auth-sessions`, with `rel="authorize"`'),
        ("ETag", "string", "The platform's"),
        ("X-Tt-Logid", "string", "The platform's log id, which its support asks for"),
        ("X-Ogw-Ratelimit-Limit", "integer", "The platform's rate limit, where it is reached"),
        ("X-Ogw-Ratelimit-Reset", "integer", "Seconds until the platform's rate limit is open again"),
    )
}
PROBLEM: Final[Document] = {
    "title": "Problem",
    "type": "object",
    "description": "An error (RFC 9457). Which of the further members there are depends on the code.",
    "required": ["type", "status", "code", "detail"],
    "additionalProperties": True,
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "status": {"type": "integer", "description": "The HTTP status"},
        "code": {"type": "string", "description": "Stable, for programs"},
        "detail": {"type": "string", "description": "For people; may change"},
        "scope": {"type": "string", "description": "not_permitted: what the key lacks"},
        "errors": {
            "type": "array",
            "description": "invalid_request: which values, and why",
            "items": {
                "type": "object",
                "required": ["where", "message"],
                "properties": {"where": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "authorize_url": {
            "type": ["string", "null"],
            "description": "reauthorization_required: a one-time link for the person",
        },
        "authorize_error": {
            "type": "string",
            "description": "reauthorization_required: why there is no link, a code of `POST …/auth-sessions`",
        },
        "session": {
            "type": ["string", "null"],
            "description": "reauthorization_required: the session of the link",
        },
        "link_expires_at": {
            "type": "string",
            "format": "date-time",
            "description": "reauthorization_required: until when the link can be opened",
        },
        "expires_at": {
            "type": "string",
            "format": "date-time",
            "description": "refresh_in_progress, refresh_postponed: until when the present token is good; asked_already: "
            "until when the other request is open",
        },
        "retry_at": {
            "type": "string",
            "format": "date-time",
            "description": "refresh_postponed: when the next attempt is made",
        },
        "platform_code": {"type": ["integer", "null"], "description": "The platform's own code"},
        "http_status": {"type": ["integer", "null"], "description": "Of the platform's answer"},
        "reason": {
            "type": ["string", "null"],
            "description": "Why there is no code of the platform; reauthorization_required: why the token is over",
        },
        "cause": {"type": "string"},
        "cure": {"type": "string"},
        "log_id": {"type": "string", "description": "What the platform's support asks for"},
        "sent": {
            "type": "string",
            "enum": ["no", "unknown"],
            "description": "Whether the platform may have carried the request out",
        },
    },
    "examples": [
        {"type": "about:blank", "status": 404, "code": "not_found", "detail": "There is no such bot."},
    ],
}
SCHEMAS: Final[Document] = {
    "Problem": PROBLEM,
    # With what it refers to: messages that were forwarded or answered.
    **msgspec.json.schema_components([DeliveredEvent], ref_template="#/components/schemas/{name}")[1],
    "FetchedEvents": {
        "title": "FetchedEvents",
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["delivery", "event"],
                    "properties": {
                        "delivery": {"type": "integer", "description": "To be acknowledged"},
                        "event": {"$ref": "#/components/schemas/DeliveredEvent"},
                    },
                },
            },
            "next_cursor": {
                "type": "integer",
                "description": "The last delivery's number; `cursor` where there is none",
            },
        },
    },
}
STREAM: Final[Document] = {
    "type": "string",
    "description": "Server-sent events named `event`, which a browser's `onmessage` does not hear: listen for that name. "
    "`data` is a DeliveredEvent on one line, `id` the delivery's number. A comment comes every 15 s in which nothing else does.",
    "examples": [f"id: 1042\nevent: event\ndata: {json.dumps(DELIVERED_EVENT)}\n\n"],
}
LAST_EVENT_ID: Final[Document] = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    "description": "The last delivery's number that was read; as a browser sends it",
}
PARAMETERS: Final[Mapping[str, str]] = {
    "bot_id": "The bot's ID or App ID",
    "open_id": "The open_id by which the bot knows the person; or the union_id, user_id or e-mail address",
    "person": "An open_id by which one of the key's bots knows the person; or the union_id, user_id or e-mail address",
    "batch_id": "The ID that the batch was answered with",
    "message_id": "The platform's message ID, om_…",
    "session_id": "The authorization session's ID",
    "approval_id": "The approval's ID, `approval` of the answer 202",
    "subscription_id": "The subscription's ID, as its page in the console shows it",
    "receiver_id": "The alert receiver's ID, as its page in the console shows it",
    "event_id": "The portal's own number of the event, `id` in the list",
    "tenant_key": "Only where two tenants know the same id",
    "cursor": "Where the page begins: the last answer's `next_cursor`; left out, at the beginning",
    "limit": "Entries of a page at most",
    "wait": "Seconds that the answer may wait for a change",
    "status": "Only of this status",
    "state": "open: those that are not over; all: the others as well",
    "type": "Only events of this type, e.g. im.message.receive_v1",
    "since": "Only events received since; ISO 8601 with an offset",
    "until": "Only events received until; ISO 8601 with an offset",
    "q": "An event, message or log ID in full, or part of the payload",
}
