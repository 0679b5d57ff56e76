"""The endpoint of agents in the OpenAPI document. What is said there is the Model Context Protocol's to describe."""

from typing import Any, Final

from core.access.scopes import Scope
from feishu_portal.api.description.errors import ACTING, ARRIVING, WITH_A_BODY, problems, references

Document = dict[str, Any]

_FIXED: Final = (
    ("bot", "The App ID of the bot that every tool acts for; or send `Feishu-Portal-Bot`"),
    ("person", "The person that every tool acts as; or send `Feishu-Portal-Person`"),
    ("tenant", "Only where two tenants know the same person; or send `Feishu-Portal-Tenant`"),
)
_MESSAGE: Final = {"$ref": "#/components/schemas/JsonRpcMessage"}
ERRORS: Final = (
    *ARRIVING, *ACTING, *WITH_A_BODY, "400 invalid_request", "401 caller_unauthenticated", "403 origin_not_allowed",
    "404 not_found", "429 too_many_calls", "500 internal_error", "503 database_unavailable",
)  # fmt: skip
PATHS: Final[Document] = {
    "/mcp": {
        "post": {
            "operationId": "mcp",
            "summary": "Model Context Protocol, for agents",
            "description": "Streamable HTTP without sessions: one JSON-RPC message in, its answer out as JSON; a notification is "
            "answered with 202 and nothing. A key sees the tools that its scopes and path rules "
            "allow. Refusals of a tool are results with `isError` and a `code` of this document.",
            "tags": ["agents"],
            "parameters": [
                {
                    "name": name,
                    "in": "query",
                    "required": False,
                    "schema": {"type": "string"},
                    "description": description,
                }
                for name, description in _FIXED
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": _MESSAGE}}},
            "responses": {
                "200": {
                    "description": "The answer to the message",
                    "headers": references("headers", ("X-Request-ID", "Cache-Control")),
                    "content": {"application/json": {"schema": _MESSAGE}},
                },
                **problems(ERRORS),
            },
            "security": [{"ApiKey": [scope.value]} for scope in (Scope.PROXY_USER, Scope.PROXY_APP)],
        }
    }
}
SCHEMAS: Final[Document] = {
    "JsonRpcMessage": {
        "title": "JsonRpcMessage",
        "type": "object",
        "required": ["jsonrpc"],
        "properties": {"jsonrpc": {"type": "string", "const": "2.0"}},
        "additionalProperties": True,
        "examples": [{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}],
    },
}
