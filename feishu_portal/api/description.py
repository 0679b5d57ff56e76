"""What the OpenAPI document says beyond what the routes declare: errors, examples, the words for parameters.

Every operation can answer with a problem (RFC 9457), so a generated client needs its schema as much as that of a success.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from feishu_portal.api.problems import CONTENT_TYPE

Document = dict[str, Any]

INTRODUCTION: Final = (
    "Events, messages, authorizations and tokens of Feishu and Lark bots. Every request carries an API key, "
    "`Authorization: Bearer fp_…`, which an operator makes in the console. Errors are problems (RFC 9457): `code` is stable and "
    "for programs, `detail` for people; those of the platform add `platform_code`, `cause`, `cure`, `log_id` and `sent`, which "
    "is `no` where nothing can have happened. Answers are not to be cached."
)
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
                "properties": {"where": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "authorize_url": {
            "type": ["string", "null"],
            "description": "reauthorization_required: a one-time link for the person",
        },
        "session": {
            "type": ["string", "null"],
            "description": "reauthorization_required: the session of the link",
        },
        "platform_code": {"type": ["integer", "null"], "description": "The platform's own code"},
        "http_status": {"type": ["integer", "null"], "description": "Of the platform's answer"},
        "reason": {"type": ["string", "null"], "description": "Why there is no code of the platform"},
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
_EVERYWHERE: Final = {
    "400": "`invalid_request`: the request cannot be read, e.g. a body that is no JSON object",
    "401": "`caller_unauthenticated`: no API key, or one that is disabled or expired",
    "403": "`not_permitted`: the key lacks the `scope`",
    "404": "`not_found`: there is none, or it is not the key's; both answers are the same",
    "413": "`invalid_request`: the body is too long",
    "422": "`invalid_request`: values that do not fit, listed in `errors`",
    "429": "The key asks too often; see Retry-After",
    "500": "`internal_error`: a fault of the portal's own",
    "503": "The portal cannot serve this now; see Retry-After",
}
_PLATFORM: Final = {
    "424": "`platform_refused`: an administrator has to change something first",
    "429": "`rate_limited`: the platform asked to be called less often, or too many messages wait for the chat; see Retry-After",
    "502": "`upstream_failed`: no usable answer of the platform",
    "503": "`platform_refused`: a repetition may succeed; `overloaded`, `secret_sealed`",
    "504": "`upstream_failed`: no answer of the platform in time",
}
_SENDING: Final = _PLATFORM | {
    "409": "`request_in_progress`, `outcome_unknown`: the Idempotency-Key's earlier request; `bot_disabled`",
    "422": "`invalid_request`; `idempotency_key_reused`; `platform_refused`: the request has to be another",
}
ERRORS: Final[Mapping[str, Mapping[str, str]]] = {
    "issue_token": {
        "404": "`not_found`; `token_not_found`: the person has never authorized the bot; `open_id_of_another_app`",
        "409": "`reauthorization_required`, with `authorize_url`; `tenant_key_required`; `bot_disabled`",
        "503": "`refresh_in_progress`, `refresh_postponed`, `token_sealed`; see Retry-After",
    },
    "revoke_token": {
        "404": "`not_found`; `token_not_found`: the person has never authorized the bot; `open_id_of_another_app`",
        "409": "`tenant_key_required`",
    },
    "send_message": _SENDING,
    "reply": _SENDING,
    "update_card": _SENDING,
    "create_session": {
        "409": "`asked_already`, `asked_too_often`, `nothing_lacking`, `no_public_url`, `invalid_scopes`, `bot_disabled`",
        "502": "`upstream_failed`: the platform gave no device code",
    },
    "list_events": {
        "429": "`too_many_searches`; see Retry-After",
        "503": "`search_too_slow`: narrow the time",
    },
    "stream_events": {"429": "`too_many_streams`; see Retry-After"},
    "fetch_events": {"429": "`too_many_waiting`; see Retry-After"},
}
PARAMETERS: Final[Mapping[str, str]] = {
    "bot_id": "The bot's ID or App ID",
    "open_id": "The open_id by which the bot knows the person; or the union_id, user_id or e-mail address",
    "message_id": "The platform's message ID, om_…",
    "session_id": "The authorization session's ID",
    "subscription_id": "The subscription's ID, as its page in the console shows it",
    "event_id": "The portal's own number of the event, `id` in the list",
    "tenant_key": "Only where two tenants know the same id",
    "cursor": "Where the page begins: the last answer's `next_cursor`; left out, at the beginning",
    "limit": "Entries of a page at most",
    "wait": "Seconds that the answer may wait for a change",
    "status": "Only of this status",
    "type": "Only events of this type, e.g. im.message.receive_v1",
    "since": "Only events received since; ISO 8601 with an offset",
    "until": "Only events received until; ISO 8601 with an offset",
    "q": "An event, message or log ID in full, or part of the payload",
    "Last-Event-ID": "The last delivery's number that was read; as a browser sends it",
}
EXAMPLES: Final[Mapping[str, Any]] = {
    "MessageIn": {"receive_id": "ou_84aad35d084aa403a838cf73ee18467", "text": "Hello"},
    "ReplyIn": {"text": "Done", "reply_in_thread": False},
    "CardIn": {
        "content": {
            "schema": "2.0",
            "config": {"update_multi": True},
            "body": {"elements": [{"tag": "markdown", "content": "Approved"}]},
        }
    },
    "TokenIn": {"min_ttl": 120},
    "SessionIn": {
        "open_id": "ou_84aad35d084aa403a838cf73ee18467",
        "scopes": ["offline_access", "calendar:calendar:readonly"],
        "deliver": "card",
    },
    "AckIn": {"cursor": 1042},
    "ReplayIn": {"mode": "failed"},
}
_EVENT: Final[Document] = {
    "type": "object",
    "description": "The event as the platform sent it",
    "examples": [
        {
            "schema": "2.0",
            "header": {"event_id": "f7984f25", "event_type": "im.message.receive_v1"},
            "event": {},
        }
    ],
}
_FETCHED: Final[Document] = {
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
                    "event": _EVENT,
                },
            },
        },
        "next_cursor": {"type": "integer"},
    },
}
_STREAM: Final[Document] = {
    "type": "string",
    "description": "Server-sent events named `event`, which a browser's `onmessage` does not hear: listen for that name",
    "examples": ['id: 1042\nevent: event\ndata: {"schema":"2.0","header":{},"event":{}}\n\n'],
}
_ANSWERS: Final[Mapping[str, tuple[str, Document]]] = {
    "fetch_events": ("application/json", {"$ref": "#/components/schemas/FetchedEvents"}),
    "stream_events": ("text/event-stream", _STREAM),
}
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete", "head"})


def complete(document: Document, *, server: str) -> None:
    """Add to the document what the routes do not say."""
    document["info"]["description"] = INTRODUCTION
    document["servers"] = [{"url": server or "/", "description": "This portal"}]
    schemas = document["components"]["schemas"]
    schemas |= {"Problem": PROBLEM, "FetchedEvents": _FETCHED}
    for name, example in EXAMPLES.items():
        schemas[name].setdefault("examples", [example])
    for path, operation in _operations(document):
        name = operation["operationId"]
        if name in _ANSWERS:
            kind, schema = _ANSWERS[name]
            operation["responses"] = {200: {"description": "OK", "content": {kind: {"schema": schema}}}}
        for parameter in operation.get("parameters", ()):
            if words := PARAMETERS.get(parameter["name"]):
                parameter.setdefault("description", words)
        _add_errors(operation, path, ERRORS.get(name, {}))


def _add_errors(operation: Document, path: str, own: Mapping[str, str]) -> None:
    responses = operation["responses"]
    declared = {str(status) for status in responses}
    common = {} if path.startswith("/proxy/") else _EVERYWHERE
    for status, words in sorted((common | dict(own)).items()):
        if status not in declared:
            content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
            responses[status] = {"description": words, "content": content}


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in _METHODS:
                yield path, operation
