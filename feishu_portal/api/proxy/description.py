"""The proxy in the OpenAPI document."""

from typing import Any

from core.access.path_rules import METHODS

_ANSWER = (
    "The platform's answer, streamed, with its status. `Feishu-Portal-Identity`: `user` or `app`, as whom the call was made; "
    "`Feishu-Portal-Generation`: which of the user's tokens it carried; `Feishu-Portal-Replay`: the token was rejected and the "
    "call sent once more (`done`) or not (`body-too-large`, `no-other-token`); `Feishu-Portal-Missing-Scopes`: what the user "
    "has yet to grant, to be asked for at the address in `Link`; `Feishu-Portal-Location`: where a redirect would lead, which "
    "is not followed."
)
_PROBLEMS = {
    "400": "`invalid_path`, `invalid_query`, `token_in_query`: the address could mean another one, or carries a token",
    "401": "`caller_unauthenticated`",
    "403": "`not_permitted`: the key lacks the `scope`; `path_not_allowed`: the client's path rules forbid the call, or it asks for tokens",
    "404": "`not_found`: no such bot; `token_not_found`: the person has not authorized it; `open_id_of_another_app`",
    "408": "`upload_stalled`",
    "409": "`reauthorization_required`, with `authorize_url`; `tenant_key_required`; `bot_disabled`",
    "424": "`app_misconfigured`: the platform gives the bot no token of its own",
    "429": "`too_many_calls` of this client under way; `rate_limited`: the platform asked to be called less often. Nothing was sent",
    "502": "`upstream_failed`: `sent` is `no` where nothing can have happened, else `unknown`",
    "503": "`refresh_in_progress`, `refresh_postponed` (with `retry_at`), `overloaded`, `database_away`, `token_sealed`. Nothing was sent",
    "504": "`upstream_failed`: no answer in time, `sent` is `unknown`",
}


def _parameter(name: str, where: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "schema": {"type": "string"},
        "description": description,
    }


_APP_ID = _parameter("app_id", "path", "The bot's App ID")
_PATH = _parameter(
    "path", "path", "The rest of the platform's path, e.g. `im/v1/messages`; the query is passed on as it is"
)
_OPEN_ID = _parameter(
    "open_id",
    "path",
    "The open_id by which the bot knows the person; or the union_id, user_id or e-mail address",
)
_TENANT = _parameter("Feishu-Portal-Tenant", "header", "Only where two tenants know the same open_id")
_FALLBACK = _parameter(
    "Feishu-Portal-Fallback",
    "header",
    "`app`: where the person cannot be acted for, the bot may act as itself. Needs `proxy:app` too",
)


def _operations(whose: str, summary: str, scope: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses: dict[str, Any] = {"default": {"description": _ANSWER}} | {
        status: {"description": text, "content": problem} for status, text in _PROBLEMS.items()
    }
    return {
        method.lower(): {
            "operationId": f"proxy_{whose}_{method.lower()}",
            "summary": summary,
            "description": f"Scope `{scope}`. An official SDK works with this address as its domain and the API key as its App Secret. Bodies are streamed both ways and never stored; the call is written down before it is sent.",
            "tags": ["proxy"],
            "parameters": parameters,
            "responses": responses,
            "security": [{"ApiKey": []}],
        }
        for method in METHODS
    }


PATHS = {
    "/proxy/{app_id}/app/open-apis/{path}": _operations(
        "app", "Call the platform as the bot", "proxy:app", [_APP_ID, _PATH]
    ),
    "/proxy/{app_id}/users/{open_id}/open-apis/{path}": _operations(
        "user", "Call the platform as a user", "proxy:user", [_APP_ID, _OPEN_ID, _PATH, _TENANT, _FALLBACK]
    ),
}
