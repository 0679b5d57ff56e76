"""The proxy in the OpenAPI document."""

from collections.abc import Iterable
from typing import Any, Final

from core.access.path_rules import METHODS
from core.access.scopes import Scope
from feishu_portal.api.description.errors import ACTING, ARRIVING, PROXY_APP, PROXY_USER, problems, references
from feishu_portal.api.proxy.own_key import LASTS, MAX_BODY
from feishu_portal.api.proxy.target import TOKEN_CALLS

Document = dict[str, Any]

_ANSWER_HEADERS: Final = (
    "X-Request-ID", "Cache-Control", "Feishu-Portal-Identity", "Feishu-Portal-Generation", "Feishu-Portal-Replay",
    "Feishu-Portal-Missing-Scopes", "Feishu-Portal-Location", "Link", "Retry-After", "ETag", "X-Tt-Logid", "X-Ogw-Ratelimit-Limit",
    "X-Ogw-Ratelimit-Reset",
)  # fmt: skip


def _parameter(name: str, where: str, description: str) -> Document:
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "schema": {"type": "string"},
        "description": description,
    }


_APP_ID: Final = _parameter("app_id", "path", "The bot's App ID")
_PATH: Final = _parameter(
    "path", "path", "The rest of the platform's path, e.g. `im/v1/messages`; the query is passed on as it is"
)
_OPEN_ID: Final = _parameter(
    "open_id",
    "path",
    "The open_id by which the bot knows the person; or the union_id, user_id or e-mail address",
)
_TENANT: Final = _parameter("Feishu-Portal-Tenant", "header", "Only where two tenants know the same open_id")
_FALLBACK: Final = {
    **_parameter(
        "Feishu-Portal-Fallback",
        "header",
        "`app`: where the person cannot be acted for, the bot may act as itself. Needs `proxy:app` too",
    ),
    "schema": {"type": "string", "enum": ["app"]},
}


def _beside(others: Document, responses: Document) -> Document:
    """Problems, and the other answers that may have the same statuses."""
    for response in responses.values():
        response["description"] = f"An answer as by default, or a problem:\n\n{response['description']}"
        response["content"] |= others
    return responses


_REFUSAL: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/PlatformRefusal"}}}


def _operations(
    whose: str, summary: str, scope: Scope, parameters: list[Document], errors: Iterable[str]
) -> Document:
    answer: Document = {
        "description": "The platform's answer, streamed, with its status, its Content-Type and those of its headers that are "
        "harmless.",
        "headers": references("headers", _ANSWER_HEADERS),
        "content": {"*/*": {"schema": {}}},
    }
    return {
        method.lower(): {
            "operationId": f"proxy_{whose}_{method.lower()}",
            "summary": summary,
            "description": f"Scope `{scope.value}`. An official SDK works with this address as its domain and the API key as its"
            " App Secret. Bodies are streamed both ways and never stored; the call is written down before it is sent.",
            "tags": ["proxy"],
            "parameters": parameters,
            **({} if method in {"GET", "HEAD"} else {"requestBody": {"content": {"*/*": {"schema": {}}}}}),
            "responses": {"default": answer, **_beside(answer["content"], problems(errors))},
            "security": [{"ApiKey": [scope.value]}],
        }
        for method in METHODS
    }


_OWN_KEY: Final = {
    "post": {
        "operationId": "proxy_own_key",
        "summary": "The first call of an official SDK: its app's token",
        "description": f"Answered by the portal itself, with the caller's own key, which the SDK sends from then on for {LASTS} s. "
        "The key stands in `Authorization` or as `app_secret`; refusals have the platform's shape, for an SDK reads them.",
        "tags": ["proxy"],
        "parameters": [
            _APP_ID,
            {
                "name": "kind",
                "in": "path",
                "required": True,
                "schema": {"type": "string", "enum": [call[2] for call in TOKEN_CALLS]},
                "description": "Which token; the answer is the same",
            },
        ],
        "requestBody": {
            "description": f"{MAX_BODY // 1024} KB at most",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OwnKeyIn"}}},
        },
        "responses": {
            "200": {
                "description": "The key",
                "headers": references("headers", ("X-Request-ID", "Cache-Control")),
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OwnKeyOut"}}},
            },
            **_beside(_REFUSAL, problems((*ARRIVING, *ACTING, "500 internal_error"))),
            "default": {
                "description": "The key opens nothing here, or the portal cannot look: `code` is not 0, `msg` says why",
                "headers": references("headers", ("X-Request-ID", "Cache-Control")),
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PlatformRefusal"}}},
            },
        },
        "security": [{"ApiKey": [Scope.PROXY_APP.value]}, {"ApiKey": [Scope.PROXY_USER.value]}, {}],
    }
}
PATHS: Final[Document] = {
    "/proxy/{app_id}/app/open-apis/auth/v3/{kind}/internal": _OWN_KEY,
    "/proxy/{app_id}/app/open-apis/{path}": _operations(
        "app", "Call the platform as the bot", Scope.PROXY_APP, [_APP_ID, _PATH], PROXY_APP
    ),
    "/proxy/{app_id}/users/{open_id}/open-apis/{path}": _operations(
        "user",
        "Call the platform as a user",
        Scope.PROXY_USER,
        [_APP_ID, _OPEN_ID, _PATH, _TENANT, _FALLBACK],
        PROXY_USER,
    ),
}
_TEXT: Final = {"type": "string"}
SCHEMAS: Final[Document] = {
    "OwnKeyIn": {
        "title": "OwnKeyIn",
        "type": "object",
        "properties": {
            "app_id": {**_TEXT, "description": "Not looked at: the address names the bot"},
            "app_secret": {**_TEXT, "description": "The API key, where there is no Authorization"},
        },
    },
    "OwnKeyOut": {
        "title": "OwnKeyOut",
        "type": "object",
        "required": ["code", "msg", "expire", "tenant_access_token", "app_access_token"],
        "properties": {
            "code": {"type": "integer", "const": 0},
            "msg": _TEXT,
            "expire": {"type": "integer", "description": "Seconds"},
            "tenant_access_token": _TEXT,
            "app_access_token": _TEXT,
        },
    },
    "PlatformRefusal": {
        "title": "PlatformRefusal",
        "type": "object",
        "required": ["code", "msg"],
        "properties": {"code": {"type": "integer", "description": "Not 0"}, "msg": _TEXT},
        "examples": [{"code": 10014, "msg": "There is no such bot."}],
    },
}
