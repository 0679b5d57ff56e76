"""``POST /api/feishu/webhook/<app_id>``, which the platform calls, in the OpenAPI document."""

from typing import Any, Final

from feishu_portal.api.description.errors import WEBHOOK, problems, references
from feishu_portal.api.description.examples import PLATFORM_EVENT

Document = dict[str, Any]

_TEXT: Final = {"type": "string"}
_SIGNED: Final = tuple(
    {"name": name, "in": "header", "required": False, "schema": _TEXT, "description": words}
    for name, words in (
        (
            "X-Lark-Signature",
            "With an Encrypt Key: the hex SHA-256 of timestamp, nonce, Encrypt Key and body. Without it such a bot's request is refused",
        ),
        ("X-Lark-Request-Timestamp", "Unix seconds"),
        ("X-Lark-Request-Nonce", "Random text"),
    )
)
_HEADER: Final = ("event_id", "event_type", "create_time", "app_id", "tenant_key", "token")

PATHS: Final[Document] = {
    "/api/feishu/webhook/{app_id}": {
        "post": {
            "operationId": "receive_webhook",
            "summary": "Events, callbacks and URL verification of a webhook bot",
            "description": "Called by the platform; the address belongs to the bot's request URLs in the developer console. An "
            "event is acknowledged when it is stored, within 3 s. A callback is answered by its handler or by the system that is "
            "asked for it. Whoever cannot prove to be the platform, by signature or Verification Token, learns nothing from the "
            "answer, not even whether there is such a bot.",
            "tags": ["webhook"],
            "security": [],
            "parameters": [
                {
                    "name": "app_id",
                    "in": "path",
                    "required": True,
                    "schema": _TEXT,
                    "description": "The bot's App ID",
                },
                *_SIGNED,
            ],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PlatformRequest"}}},
            },
            "responses": {
                "200": {
                    "description": "The event is stored; the callback is answered; or the challenge is returned",
                    "headers": references("headers", ("X-Request-ID",)),
                    "content": {
                        "application/json": {
                            "schema": {"type": "object", "additionalProperties": True},
                            "examples": {
                                "event": {"value": {"msg": "success"}},
                                "callback": {"value": {"toast": {"type": "success", "content": "Approved"}}},
                                "url_verification": {
                                    "value": {"challenge": "ajls384kdjx98XX"},
                                },
                            },
                        }
                    },
                },
                **problems(WEBHOOK, schema="WebhookProblem"),
            },
        }
    }
}
_OBJECT: Final = {"type": "object", "additionalProperties": True}
_REQUESTS: Final[Document] = {
    "EncryptedRequest": {
        "type": "object",
        "required": ["encrypt"],
        "properties": {"encrypt": {**_TEXT, "description": "Base64 of AES-256-CBC"}},
    },
    "EventRequest": {
        "type": "object",
        "required": ["schema", "header"],
        "properties": {
            "schema": {"type": "string", "const": "2.0"},
            "header": {
                "type": "object",
                "required": ["event_type"],
                "properties": dict.fromkeys(_HEADER, _TEXT),
            },
            "event": _OBJECT,
        },
    },
    "OldEventRequest": {
        "description": "Schema 1.0",
        "type": "object",
        "required": ["event"],
        "properties": {"uuid": _TEXT, "token": _TEXT, "ts": _TEXT, "type": _TEXT, "event": _OBJECT},
    },
    "OldCardCallbackRequest": {
        "description": "The old card callback, which has no header",
        "type": "object",
        "required": ["action"],
        "properties": {"action": _OBJECT},
    },
    "UrlVerificationRequest": {
        "description": "The question whether the address is the bot's",
        "type": "object",
        "required": ["challenge", "type"],
        "properties": {
            "challenge": _TEXT,
            "token": _TEXT,
            "type": {"type": "string", "const": "url_verification"},
        },
    },
}
SCHEMAS: Final[Document] = {
    **_REQUESTS,
    "PlatformRequest": {
        "title": "PlatformRequest",
        "description": "What the platform sends: encrypted where the bot has an Encrypt Key",
        "anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in _REQUESTS],
        "examples": [
            PLATFORM_EVENT,
            {"challenge": "ajls384kdjx98XX", "token": "xxxxxx", "type": "url_verification"},
        ],
    },
    "WebhookProblem": {
        "title": "WebhookProblem",
        "description": "An error (RFC 9457) that says as little as possible: most have no `detail`",
        "type": "object",
        "required": ["type", "status", "code"],
        "additionalProperties": True,
        "properties": {
            "type": {"type": "string", "const": "about:blank"},
            "status": {"type": "integer"},
            "code": _TEXT,
            "detail": _TEXT,
        },
        "examples": [{"type": "about:blank", "status": 401, "code": "unauthenticated"}],
    },
}
