"""Apps, people and groups."""

from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request

from feishu.scopes import scope_text
from sandbox.config import DEFAULT_SCOPES, AppConfig, AppId, PersonConfig, PersonId
from sandbox.control.endpoint import ControlRoute, command, known_app, known_person, question
from sandbox.delivery.receivers import tell_of_bot
from sandbox.errors import ControlError
from sandbox.state import Sandbox
from sandbox.world import ids
from sandbox.world.hooks import Hook

_SECRETS = ("app_secret", "encrypt_key", "verification_token")


class NewGroup(Struct, forbid_unknown_fields=True, kw_only=True):
    name: str
    people: list[PersonId]
    apps: list[AppId]


class NewHook(Struct, forbid_unknown_fields=True, kw_only=True):
    """A custom bot of a group; without a `chat_id` a new group of everybody."""

    chat_id: str | None = None
    name: str = "告警机器人"
    secret: str = ""
    keywords: list[str] = []


async def list_apps(sandbox: Sandbox, _request: Request) -> dict[str, Any]:
    """Every app, without its secrets."""
    return {"apps": [public(app, sandbox) for app in sandbox.world.apps.values()]}


async def get_app(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """`{"app"}`: one app with its secrets, and `{"scopes"}`, what scopes are called in both languages."""
    app = known_app(sandbox.world, request.path_params["app_id"])
    names = dict.fromkeys([*DEFAULT_SCOPES, *app.scopes])
    scopes = [{"name": name, "text": scope_text(name).i18n()} for name in names]
    return {"app": msgspec.to_builtins(app), "scopes": scopes}


async def put_app(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """Create an app or change the given fields of one. A webhook URL has to return a challenge first."""
    app_id = request.path_params["app_id"]
    known = sandbox.world.apps.get(app_id)
    try:
        given = msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
        merged = {**(msgspec.to_builtins(known) if known else {}), **given, "app_id": app_id}
        app = msgspec.convert(merged, AppConfig)
    except msgspec.MsgspecError as error:
        raise ControlError(str(error)) from None
    if "webhook" in {app.mode, app.callback_mode} and request.query_params.get("verify", "true") != "false":
        for url in filter(None, {app.webhook_url, app.callback_url}):
            wrong = await sandbox.webhook.verify(app, url)
            if wrong:
                raise ControlError(f"the challenge failed: {wrong}", status=422)
    sandbox.world.put_app(app)
    sandbox.world.watchers.tell("reload")
    return {"app": msgspec.to_builtins(app)}


async def delete_app(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """Delete an app; its connections are closed."""
    app = known_app(sandbox.world, request.path_params["app_id"])
    for connection in sandbox.world.connections.of(app.app_id):
        connection.close(1001)
    del sandbox.world.apps[app.app_id]
    sandbox.world.authorizations.end_device_codes(app.app_id)
    sandbox.world.watchers.tell("reload")
    return {"deleted": app.app_id}


async def list_people(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """With `app_id`, also the ids under which that app knows them."""
    app_id = request.query_params.get("app_id")
    people = []
    for person in sandbox.world.people.values():
        about = msgspec.to_builtins(person) | {"union_id": ids.union_id(person.id)}
        if app_id:
            about["open_id"] = ids.open_id(app_id, person.id)
            about["chat_id"] = ids.p2p_chat_id(app_id, person.id)
        people.append(about)
    return {"people": people}


async def put_person(sandbox: Sandbox, person: PersonConfig) -> dict[str, Any]:
    """Create a person, or replace one."""
    sandbox.world.put_person(person)
    sandbox.world.watchers.tell("reload")
    return {"person": msgspec.to_builtins(person)}


async def list_groups(sandbox: Sandbox, _request: Request) -> dict[str, Any]:
    """Every group, with the people and apps in it."""
    chats = sandbox.world.mailbox.chats.values()
    return {
        "groups": [
            {"chat_id": chat.chat_id, "name": chat.name, "people": chat.people, "apps": chat.apps}
            for chat in chats
            if chat.kind == "group"
        ]
    }


async def create_group(sandbox: Sandbox, group: NewGroup) -> dict[str, Any]:
    """A group chat; its bots hear that they were added."""
    world = sandbox.world
    for person_id in group.people:
        known_person(world, person_id)
    apps = [known_app(world, app_id) for app_id in group.apps]
    if not group.people:
        raise ControlError("a group needs a person")
    chat = world.mailbox.group(name=group.name, people=group.people, apps=group.apps)
    for app in apps:
        tell_of_bot(world, sandbox.courier, app.app_id, chat, added=True)
    world.watchers.tell("reload")
    return {"chat_id": chat.chat_id}


async def create_hook(sandbox: Sandbox, wanted: NewHook) -> dict[str, Any]:
    """`{"token", "path", "chat_id"}`: where to post, as `https://open.feishu.cn/open-apis/bot/v2/hook/…`."""
    world = sandbox.world
    if wanted.chat_id is None:
        chat_id = world.mailbox.group(name=wanted.name, people=list(world.people), apps=[]).chat_id
    elif wanted.chat_id in world.mailbox.chats:
        chat_id = wanted.chat_id
    else:
        raise ControlError(f"there is no chat {wanted.chat_id}", status=404)
    hook = Hook(
        token=ids.hook_token(),
        chat_id=chat_id,
        name=wanted.name,
        clock=world.clock,
        secret=wanted.secret,
        keywords=tuple(wanted.keywords),
    )
    world.hooks.add(hook)
    world.watchers.tell("reload")
    return {"token": hook.token, "path": f"/open-apis/bot/v2/hook/{hook.token}", "chat_id": chat_id}


def public(app: AppConfig, sandbox: Sandbox) -> dict[str, Any]:
    """An app without its secrets."""
    fields: dict[str, Any] = msgspec.to_builtins(app)
    shown = {key: value for key, value in fields.items() if key not in _SECRETS}
    return {
        **shown,
        "bot_open_id": ids.bot_open_id(app.app_id),
        "connections": len(sandbox.world.connections.of(app.app_id)),
    }


def routes() -> list[ControlRoute]:
    return [
        question("apps", list_apps),
        question("apps/{app_id}", get_app),
        question("apps/{app_id}", put_app, methods=["PUT"], shape=AppConfig, query=["verify"]),
        question("apps/{app_id}", delete_app, methods=["DELETE"]),
        question("people", list_people, query=["app_id"]),
        command("people", PersonConfig, put_person),
        question("groups", list_groups),
        command("groups", NewGroup, create_group),
        command("hooks", NewHook, create_hook),
    ]
