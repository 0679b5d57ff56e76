"""Every route of the platform, in one table."""

from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route, WebSocketRoute

from sandbox.platform import (
    apaas,
    card_updates,
    directory,
    discovery,
    long_connection,
    messages,
    older_tokens,
    tenant_auth,
    token_endpoint,
    unimitated,
    user_info,
)
from sandbox.platform.gateway import Call, Handler, route

_MESSAGES = "/open-apis/im/v1/messages"
_APAAS = "/open-apis/apaas/v1"
_WORKSPACE = f"{_APAAS}/workspaces/{{workspace_id}}"
_RECORDS = f"{_WORKSPACE}/tables/{{table_name}}/records"
_ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _with_slash(path: str, handler: Handler) -> list[Route]:
    """The platform takes these with a slash at the end as well, and larkpy and django-allauth send one."""
    return [route(path + end, ["POST"], handler) for end in ("", "/")]


KNOWN: list[Route] = [
    route("/callback/ws/endpoint", ["POST"], discovery.discover),
    *_with_slash("/open-apis/auth/v3/tenant_access_token/internal", tenant_auth.tenant_access_token),
    *_with_slash("/open-apis/auth/v3/app_access_token/internal", tenant_auth.app_access_token),
    *_with_slash("/open-apis/authen/v1/access_token", older_tokens.access_token),
    *_with_slash("/open-apis/authen/v1/refresh_access_token", older_tokens.refresh_access_token),
    *_with_slash("/open-apis/authen/v1/oidc/access_token", older_tokens.oidc_access_token),
    *_with_slash("/open-apis/authen/v1/oidc/refresh_access_token", older_tokens.oidc_refresh_access_token),
    route(_MESSAGES, ["POST"], messages.send),
    route(_MESSAGES, ["GET"], messages.list_messages),
    route(f"{_MESSAGES}/{{message_id}}/reply", ["POST"], messages.reply),
    route(f"{_MESSAGES}/{{message_id}}", ["GET"], messages.get),
    route(f"{_MESSAGES}/{{message_id}}", ["PATCH"], messages.patch),
    route(f"{_MESSAGES}/{{message_id}}", ["DELETE"], messages.recall),
    route("/open-apis/interactive/v1/card/update", ["POST"], card_updates.update),
    route("/open-apis/bot/v3/info", ["GET"], directory.bot_info),
    route("/open-apis/application/v6/applications/{app_id}", ["GET"], directory.application),
    route("/open-apis/contact/v3/users/{user_id}", ["GET"], directory.user),
    route("/open-apis/event/v1/connection", ["GET"], directory.connection_count),
    route(f"{_APAAS}/apps", ["GET"], apaas.apps),
    route(f"{_WORKSPACE}/tables", ["GET"], apaas.tables),
    route(f"{_WORKSPACE}/tables/{{table_name}}", ["GET"], apaas.table),
    route(_RECORDS, ["GET"], apaas.read),
    route(_RECORDS, ["POST"], apaas.insert),
    route(_RECORDS, ["PATCH"], apaas.update),
    route(_RECORDS, ["DELETE"], apaas.delete),
    route(f"{_RECORDS}_batch_update", ["PATCH"], apaas.update_rows),
    route(f"{_WORKSPACE}/sql_commands", ["POST"], apaas.sql),
    route("/open-apis/authen/v1/user_info", ["GET"], user_info.user_info),
    *_with_slash("/open-apis/authen/v2/oauth/token", token_endpoint.token_v2),
    *_with_slash("/oauth/v3/token", token_endpoint.token_v3),
    *_with_slash("/oauth/v1/revoke", token_endpoint.revoke),
    *_with_slash("/oauth/v1/device_authorization", token_endpoint.device_authorization),
    *_with_slash("/open-apis/authen/v2/oauth/device_authorization", token_endpoint.device_authorization_v2),
]


def imitated(method: str, path: str) -> bool:
    """Whether calls of a method and path are answered here without a canned answer."""
    scope = {"type": "http", "method": method, "path": path, "root_path": ""}
    return any(known.matches(scope)[0] is Match.FULL for known in KNOWN)


async def _unknown(call: Call) -> Response:
    scope = dict(call.request.scope)
    path_known = any(known.matches(scope)[0] is Match.PARTIAL for known in KNOWN)
    return await unimitated.answer(call, path_known=path_known)


def platform_routes() -> list[BaseRoute]:
    return [
        *KNOWN,
        WebSocketRoute("/ws/v2", long_connection.gateway),
        route("/open-apis/{path:path}", _ALL_METHODS, _unknown),
        route("/oauth/{path:path}", _ALL_METHODS, _unknown),
        route("/callback/{path:path}", _ALL_METHODS, _unknown),
    ]
