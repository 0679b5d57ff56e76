"""Streamed replies in the OpenAPI document."""

from typing import Any, Final

from bots.enums import StreamState
from core.access.scopes import Scope
from feishu.streaming.reply import Way
from feishu_portal.api.description.errors import ACTING, ARRIVING, SENDING, WITH_A_BODY, problems, references
from feishu_portal.api.streaming.server import EVENTS, KINDS
from feishu_portal.api.streaming.upload import IDLE_SECONDS, MAX_BODY

Document = dict[str, Any]

ERRORS: Final = (
    *ARRIVING, *ACTING, *WITH_A_BODY, *SENDING, "400 invalid_request", "401 caller_unauthenticated", "403 not_permitted",
    "422 invalid_request", "500 internal_error", "503 database_unavailable",
)  # fmt: skip


def _query(name: str, schema: Document, description: str) -> Document:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


_LINES: Final = {"schema": {"type": "string"}}
PATHS: Final[Document] = {
    "/api/v1/bots/{bot_id}/messages/stream": {
        "post": {
            "operationId": "stream_message",
            "summary": "Stream a reply",
            "description": "Text that is shown while it comes, typed into a card. The body is read as it arrives: a JSON object a line, "
            '`{"text": "…"}`, or server-sent events with such objects; chunks of OpenAI\'s API (`choices[0].delta.content`, '
            "`[DONE]`) are taken as they are. The text is Markdown; each text is appended to those before. The end of the body is the end of the "
            "reply. Where the body breaks off, the card keeps what came, says that it was interrupted and is closed. A reply of more than 30 KB "
            "goes on on further cards. Where the app lacks `cardkit:card:write`, the message is replaced every second instead. A "
            "request with the key of one that did not come to its end writes on the same cards, from the beginning; one "
            "that did is answered alike for 24 hours (`Idempotency-Replayed: true`). At most "
            f"{MAX_BODY // 1024 // 1024} MB, {IDLE_SECONDS:g} s between two pieces, one hour in all; of 64 streams of a process "
            "a client and a bot have a quarter each.",
            "tags": ["messages"],
            "parameters": [
                {
                    "name": "bot_id",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string"},
                    "description": "The bot's id, or its App ID",
                },
                _query(
                    "receive_id", {"type": "string", "maxLength": 128}, "Whom it is for; or say `reply_to`"
                ),
                _query(
                    "receive_id_type",
                    {"type": "string", "enum": list(KINDS)},
                    "Left out, it is told by the look of receive_id: ou_, on_, oc_ and @; anything else is a user_id",
                ),
                _query("reply_to", {"type": "string", "maxLength": 128}, "The message_id that it answers"),
                _query("reply_in_thread", {"type": "boolean", "default": False}, "In the message's topic"),
                {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "required": False,
                    "schema": {"type": "string", "maxLength": 255},
                    "description": "The same reply under the same key is written once; for 24 hours, of this client and bot",
                },
            ],
            "requestBody": {"required": True, "content": {"application/x-ndjson": _LINES, EVENTS: _LINES}},
            "responses": {
                "201": {
                    "description": "The reply is whole, or was cut at its greatest length, and its cards are closed",
                    "headers": references(
                        "headers", ("X-Request-ID", "Cache-Control", "Idempotency-Replayed")
                    ),
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/StreamedOut"}}},
                },
                **problems(ERRORS),
            },
            "security": [{"ApiKey": [Scope.MESSAGES_SEND.value]}],
        }
    }
}
SCHEMAS: Final[Document] = {
    "StreamedOut": {
        "title": "StreamedOut",
        "type": "object",
        "required": ["outcome", "shown_as", "message_ids", "chat_id", "characters"],
        "properties": {
            "outcome": {
                "type": "string",
                "enum": [StreamState.COMPLETE.value, StreamState.TOO_LONG.value],
                "description": "`too_long`: the end was left out, and the card says so",
            },
            "shown_as": {
                "type": "string",
                "enum": [way.value for way in Way],
                "description": "`patched`: messages that were replaced again and again, without card entities",
            },
            "message_ids": {
                "type": "array",
                "items": {"type": "string"},
                "description": "In order; none where there was no text",
            },
            "chat_id": {"type": "string"},
            "characters": {"type": "integer"},
        },
        "examples": [
            {
                "outcome": "complete",
                "shown_as": "streamed",
                "message_ids": ["om_a8f2d7b4c1e09356"],
                "chat_id": "oc_5ad11d72b830411d",
                "characters": 1280,
            }
        ],
    },
}
