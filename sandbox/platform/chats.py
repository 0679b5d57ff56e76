"""`/open-apis/im/v1/chats`: groups and who is in them. Pages "Create group", "Get group info", "Get chat members"."""

from typing import Any, Final

from feishu.values import text_of
from sandbox.config import AppConfig, PersonConfig
from sandbox.delivery.receivers import tell_of_bot, tell_of_people
from sandbox.errors import PlatformError
from sandbox.platform.api_front import Call, Caller, admit
from sandbox.platform.paging import page
from sandbox.platform.recipients import find_person, id_of
from sandbox.world.avatars import avatar_url
from sandbox.world.messages import Chat

READ_SCOPES: Final = ("im:chat", "im:chat:readonly", "im:chat:read", "im:chat.group_info:readonly")
CREATE_SCOPES: Final = ("im:chat", "im:chat:create")
MEMBER_SCOPES: Final = ("im:chat", "im:chat:readonly", "im:chat.members:read", "im:chat:read")
CHANGE_SCOPES: Final = ("im:chat", "im:chat.members:write_only")
MAX_MEMBERS: Final = 50


async def list_chats(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.chat.list", user=True, scopes=READ_SCOPES)
    groups = [
        chat for chat in call.world.mailbox.chats.values() if chat.kind == "group" and _inside(caller, chat)
    ]
    return page(call, [_listed(call, caller.app, chat) for chat in groups])


async def search(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.chat.search", user=True, scopes=READ_SCOPES)
    wanted = call.query.get("query", "").lower()
    groups = [
        chat
        for chat in call.world.mailbox.chats.values()
        if chat.kind == "group" and _inside(caller, chat) and wanted in chat.name.lower()
    ]
    return page(call, [_listed(call, caller.app, chat) for chat in groups])


async def create(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.chat.create", user=True, scopes=CREATE_SCOPES)
    body = call.json()
    people = [person.id for person in _people(call, caller, body.get("user_id_list"))]
    apps = _bots(call, body.get("bot_id_list"))
    if caller.person is None:
        apps = [caller.app.app_id, *apps]
    else:
        people = [caller.person.id, *people]
    if body.get("owner_id"):
        people = [_person(call, caller, body["owner_id"]).id, *people]
    name = body.get("name") if isinstance(body.get("name"), str) else ""
    chat = call.world.mailbox.group(
        name=name or "", people=list(dict.fromkeys(people)), apps=list(dict.fromkeys(apps))
    )
    chat.description = str(body.get("description") or "")
    call.world.watchers.tell("reload")
    if people:
        for app_id in chat.apps:
            if app_id != caller.app.app_id:
                tell_of_bot(
                    call.world, call.sandbox.courier, app_id, chat, added=True, operator=caller.person
                )
    return {"code": 0, "msg": "success", "data": {"chat_id": chat.chat_id, **_about(call, caller.app, chat)}}


async def get(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.chat.get", user=True, scopes=READ_SCOPES)
    return {
        "code": 0,
        "msg": "success",
        "data": _about(call, caller.app, _chat(call, caller, must_be_in=False)),
    }


async def members(call: Call) -> dict[str, Any]:
    """The people of a chat; bots are not in this list, as at the platform."""
    caller = await admit(call, "im.chat.members.get", user=True, scopes=MEMBER_SCOPES)
    chat, id_type = _chat(call, caller), call.query.get("member_id_type", "open_id")
    people = [call.world.people[person_id] for person_id in chat.people]
    items = [
        {
            "member_id_type": id_type,
            "member_id": id_of(caller.app, person, id_type),
            "name": person.name,
            "tenant_key": person.tenant_key,
        }
        for person in people
    ]
    answer = page(call, items)
    answer["data"]["member_total"] = len(items)
    return answer


async def add_members(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.chat.members.create", user=True, scopes=CHANGE_SCOPES)
    chat, wanted = _chat(call, caller), call.json().get("id_list")
    if call.query.get("member_id_type") == "app_id":
        added = [app_id for app_id in _bots(call, wanted) if app_id not in chat.apps]
        chat.apps += added
        for app_id in added:
            tell_of_bot(call.world, call.sandbox.courier, app_id, chat, added=True, operator=caller.person)
    else:
        named = {person.id: person for person in _people(call, caller, wanted, name="member_id_type")}
        people = [person for person_id, person in named.items() if person_id not in chat.people]
        chat.people += [person.id for person in people]
        tell_of_people(call.world, call.sandbox.courier, people, chat, added=True, operator=caller.person)
    call.world.watchers.tell("reload")
    empty: dict[str, list[str]] = {
        "invalid_id_list": [],
        "not_existed_id_list": [],
        "pending_approval_id_list": [],
    }
    return {"code": 0, "msg": "success", "data": empty}


async def is_in_chat(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.chat.members.is_in_chat", user=True, scopes=MEMBER_SCOPES)
    chat = _chat(call, caller, must_be_in=False)
    return {"code": 0, "msg": "success", "data": {"is_in_chat": _inside(caller, chat)}}


def _inside(caller: Caller, chat: Chat) -> bool:
    return caller.person.id in chat.people if caller.person else caller.app.app_id in chat.apps


def _chat(call: Call, caller: Caller, *, must_be_in: bool = True) -> Chat:
    chat = call.world.mailbox.chats.get(call.path("chat_id"))
    if chat is None:
        raise PlatformError(232006, "Your request specifies a chat_id which is invalid.")
    if must_be_in and not _inside(caller, chat):
        raise PlatformError(232011, "Operator can NOT be out of the chat.")
    return chat


def _people(call: Call, caller: Caller, wanted: object, name: str = "user_id_type") -> list[PersonConfig]:
    if wanted is None:
        return []
    if not isinstance(wanted, list) or len(wanted) > MAX_MEMBERS:
        raise PlatformError(
            232001, f"Your request contains an invalid request parameter, at most {MAX_MEMBERS} ids."
        )
    return [_person(call, caller, value, name) for value in wanted]


def _person(call: Call, caller: Caller, value: object, name: str = "user_id_type") -> PersonConfig:
    return find_person(call.world, caller.app, str(value), call.query.get(name, "open_id"))


def _bots(call: Call, wanted: object) -> list[str]:
    given = wanted if isinstance(wanted, list) else []
    unknown = [app_id for app_id in given if text_of(app_id) not in call.world.apps]
    if unknown:
        raise PlatformError(232033, "The bot is invalid or has no bot ability.")
    return [str(app_id) for app_id in given]


def _listed(call: Call, app: AppConfig, chat: Chat) -> dict[str, Any]:
    return {
        "chat_id": chat.chat_id,
        "avatar": avatar_url(str(call.request.base_url), chat.name or "群"),
        "name": chat.name,
        "description": chat.description,
        **_owner(call, app, chat),
        "external": False,
        "tenant_key": app.tenant_key,
        "chat_status": "normal",
    }


def _owner(call: Call, app: AppConfig, chat: Chat) -> dict[str, str]:
    if not chat.people:
        return {}
    owner, id_type = call.world.people[chat.people[0]], call.query.get("user_id_type", "open_id")
    return {"owner_id": id_of(app, owner, id_type), "owner_id_type": id_type}


def _about(call: Call, app: AppConfig, chat: Chat) -> dict[str, Any]:
    known = {key: value for key, value in _listed(call, app, chat).items() if key != "chat_id"}
    return {
        **known,
        "chat_mode": chat.kind,
        "chat_type": "private",
        "chat_tag": "inner",
        "user_count": str(len(chat.people)),
        "bot_count": str(len(chat.apps)),
    }
