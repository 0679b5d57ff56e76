"""Every route of the platform, in one table."""

from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route, WebSocketRoute

from sandbox.platform import (
    apaas,
    card_entities,
    card_updates,
    chats,
    contacts,
    custom_bots,
    departments,
    directory,
    discovery,
    long_connection,
    messages,
    older_tokens,
    reactions,
    registration,
    resources,
    tasks,
    tenant_auth,
    token_endpoint,
    unimitated,
    user_info,
)
from sandbox.platform.api_front import Call, Handler, route

_MESSAGES = "/open-apis/im/v1/messages"
_CHATS = "/open-apis/im/v1/chats"
_CARDS = "/open-apis/cardkit/v1/cards"
_CONTACT = "/open-apis/contact/v3"
_TASKS = "/open-apis/task/v2/tasks"
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
    route(f"{_MESSAGES}/{{message_id}}/forward", ["POST"], messages.forward),
    route(f"{_MESSAGES}/{{message_id}}", ["GET"], messages.get),
    route(f"{_MESSAGES}/{{message_id}}", ["PATCH"], messages.patch),
    route(f"{_MESSAGES}/{{message_id}}", ["PUT"], messages.edit),
    route(f"{_MESSAGES}/{{message_id}}", ["DELETE"], messages.recall),
    route(f"{_MESSAGES}/{{message_id}}/read_users", ["GET"], messages.read_users),
    route(f"{_MESSAGES}/{{message_id}}/reactions", ["POST"], reactions.add),
    route(f"{_MESSAGES}/{{message_id}}/reactions", ["GET"], reactions.show),
    route(f"{_MESSAGES}/{{message_id}}/reactions/{{reaction_id}}", ["DELETE"], reactions.remove),
    route(f"{_MESSAGES}/{{message_id}}/resources/{{file_key}}", ["GET"], resources.of_message),
    route("/open-apis/im/v1/images", ["POST"], resources.upload_image, max_body=resources.MAX_UPLOAD),
    route("/open-apis/im/v1/images/{image_key}", ["GET"], resources.image),
    route("/open-apis/im/v1/files", ["POST"], resources.upload_file, max_body=resources.MAX_UPLOAD),
    route("/open-apis/im/v1/files/{file_key}", ["GET"], resources.file),
    route(_CHATS, ["GET"], chats.list_chats),
    route(_CHATS, ["POST"], chats.create),
    route(f"{_CHATS}/search", ["GET"], chats.search),
    route(f"{_CHATS}/{{chat_id}}", ["GET"], chats.get),
    route(f"{_CHATS}/{{chat_id}}/members", ["GET"], chats.members),
    route(f"{_CHATS}/{{chat_id}}/members", ["POST"], chats.add_members),
    route(f"{_CHATS}/{{chat_id}}/members/is_in_chat", ["GET"], chats.is_in_chat),
    route(_CARDS, ["POST"], card_entities.create),
    route(f"{_CARDS}/id_convert", ["POST"], card_entities.id_convert),
    route(f"{_CARDS}/{{card_id}}", ["PUT"], card_entities.update),
    route(f"{_CARDS}/{{card_id}}/settings", ["PATCH"], card_entities.settings),
    route(f"{_CARDS}/{{card_id}}/elements", ["POST"], card_entities.add_elements),
    route(f"{_CARDS}/{{card_id}}/elements/{{element_id}}/content", ["PUT"], card_entities.content),
    *_with_slash("/open-apis/bot/v2/hook/{token}", custom_bots.receive),
    route("/open-apis/event/v1/outbound_ip", ["GET"], directory.outbound_ips),
    route("/open-apis/application/v6/scopes", ["GET"], directory.app_scopes),
    route(f"{_CONTACT}/users/batch", ["GET"], contacts.batch),
    route(f"{_CONTACT}/users/batch_get_id", ["POST"], contacts.batch_get_id),
    route(f"{_CONTACT}/users/find_by_department", ["GET"], departments.find_by_department),
    route(f"{_CONTACT}/departments/{{department_id}}", ["GET"], departments.department),
    route(f"{_CONTACT}/departments/{{department_id}}/children", ["GET"], departments.children),
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
    route(_TASKS, ["GET"], tasks.list_tasks),
    route(_TASKS, ["POST"], tasks.create),
    route(f"{_TASKS}/{{task_guid}}", ["GET"], tasks.get),
    route(f"{_TASKS}/{{task_guid}}", ["PATCH"], tasks.patch),
    route("/open-apis/authen/v1/user_info", ["GET"], user_info.user_info),
    *_with_slash("/open-apis/authen/v2/oauth/token", token_endpoint.token_v2),
    *_with_slash("/oauth/v3/token", token_endpoint.token_v3),
    *_with_slash("/oauth/v1/revoke", token_endpoint.revoke),
    *_with_slash("/oauth/v1/app/registration", registration.register),
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
