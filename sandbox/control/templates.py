"""Events and callbacks to push by hand: a complete example of each, for one app and one person.

Names and fields as in the pages of the events; those that the sandbox raises by itself are made by the same functions.
"""

from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request

from feishu.callbacks import PREVIEW, is_callback
from feishu.text import Text
from sandbox.config import AppConfig, PersonConfig
from sandbox.control.endpoint import ControlRoute, known_app, known_person, question
from sandbox.delivery import envelopes
from sandbox.state import Sandbox
from sandbox.world import ids
from sandbox.world.messages import Chat, Message, Reaction
from sandbox.world.world import World

OLD_EVENTS: Final = frozenset({"p2p_chat_create", "approval_instance"})
"""Types whose envelope is of schema 1.0."""

TITLES: Final = {
    "im.message.receive_v1": Text("接收消息", "Message received"),
    "im.message.message_read_v1": Text("消息已读", "Message read"),
    "im.message.recalled_v1": Text("撤回消息", "Message recalled"),
    "im.message.reaction.created_v1": Text("新增消息表情回复", "Reaction added"),
    "im.message.reaction.deleted_v1": Text("删除消息表情回复", "Reaction removed"),
    "im.chat.access_event.bot_p2p_chat_entered_v1": Text(
        "用户进入与机器人的会话", "Person opened the bot's chat"
    ),
    "p2p_chat_create": Text("首次会话", "First chat with the bot"),
    "im.chat.member.bot.added_v1": Text("机器人进群", "Bot added to a group"),
    "im.chat.member.bot.deleted_v1": Text("机器人被移出群", "Bot removed from a group"),
    "im.chat.member.user.added_v1": Text("用户进群", "Person joined a group"),
    "im.chat.member.user.deleted_v1": Text("用户出群", "Person left a group"),
    "im.chat.disbanded_v1": Text("解散群", "Group dissolved"),
    "application.bot.menu_v6": Text("机器人自定义菜单", "Bot menu clicked"),
    "contact.user.created_v3": Text("员工入职", "Employee joined"),
    "contact.user.deleted_v3": Text("员工离职", "Employee left"),
    "approval_instance": Text("审批实例状态变更", "Approval status changed"),
    "calendar.calendar.event.changed_v4": Text("日程变更", "Calendar event changed"),
    "apaas.workspace.record_change_v1": Text("aPaaS 数据表记录变更", "aPaaS record changed"),
    "auth.user_access_token.revoked_v4": Text("用户授权被撤销", "Authorization revoked"),
    PREVIEW: Text("拉取链接预览数据", "Link preview requested"),
}


class Template(Struct, kw_only=True):
    """`subscribed`: whether the app would get such an event by itself. `callback`: that the app answers it."""

    type: str
    title: dict[str, str]
    schema: str
    callback: bool
    subscribed: bool
    event: dict[str, Any]


async def list_templates(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """`{"templates"}`: the `event` of each type, made for an `app_id` and a `person`, else the first."""
    world, query = sandbox.world, request.query_params
    app = known_app(world, query.get("app_id", ""))
    person = known_person(world, query["person"]) if "person" in query else next(iter(world.people.values()))
    return {
        "templates": [
            Template(
                type=name,
                title=TITLES[name].i18n(),
                schema="1.0" if name in OLD_EVENTS else "2.0",
                callback=is_callback(name),
                subscribed=_is_subscribed(app, name),
                event=event,
            )
            for name, event in _events(world, app, person).items()
        ]
    }


def _is_subscribed(app: AppConfig, name: str) -> bool:
    if is_callback(name):
        return name in app.callbacks
    return app.events is None or name in app.events


def _events(world: World, app: AppConfig, person: PersonConfig) -> dict[str, dict[str, Any]]:
    now = world.now_ms
    chat = Chat(
        chat_id=ids.p2p_chat_id(app.app_id, person.id), kind="p2p", people=[person.id], apps=[app.app_id]
    )
    group = Chat(
        chat_id=ids.group_chat_id(), kind="group", people=[person.id], apps=[app.app_id], name="测试群"
    )
    message = Message(
        message_id=ids.message_id(),
        chat_id=chat.chat_id,
        sender=person.id,
        sender_type="user",
        tenant_key=person.tenant_key,
        msg_type="text",
        content='{"text":"你好"}',
        create_time=now,
        update_time=now,
    )
    reacted = envelopes.reacted(
        app, person, message, Reaction(ids.reaction_id(), "THUMBSUP", person.id, "user", now)
    )
    changed = envelopes.group_changed(app, group, person)
    joined = {**changed, "users": envelopes.users_of(app, [person])}
    about = {**envelopes.user_ids(app, person), "name": person.name, "en_name": person.en_name}
    return {
        "im.message.receive_v1": envelopes.message_received(app, person, chat, message),
        "im.message.message_read_v1": envelopes.messages_read(app, person, [message], now),
        "im.message.recalled_v1": envelopes.message_recalled(message, now),
        "im.message.reaction.created_v1": reacted,
        "im.message.reaction.deleted_v1": reacted,
        "im.chat.access_event.bot_p2p_chat_entered_v1": envelopes.chat_entered(app, person, chat, None),
        "p2p_chat_create": envelopes.chat_created(app, person, chat),
        "im.chat.member.bot.added_v1": changed,
        "im.chat.member.bot.deleted_v1": changed,
        "im.chat.member.user.added_v1": joined,
        "im.chat.member.user.deleted_v1": joined,
        "im.chat.disbanded_v1": changed,
        "application.bot.menu_v6": envelopes.menu_clicked(app, person, "help", world.clock()),
        "contact.user.created_v3": {"object": about},
        "contact.user.deleted_v3": {
            "object": about,
            "old_object": {"department_ids": ["0"], "open_id": about["open_id"]},
        },
        "approval_instance": {
            "approval_code": "11111111-2222-3333-4444-555555555555",
            "instance_code": "66666666-7777-8888-9999-000000000000",
            "status": "APPROVED",
            "operate_time": str(now),
            "instance_operate_time": str(now),
        },
        "calendar.calendar.event.changed_v4": {
            "calendar_id": "feishu.cn_sandbox@group.calendar.feishu.cn",
            "user_id_list": [envelopes.user_ids(app, person)],
        },
        "apaas.workspace.record_change_v1": {
            "workspace": "workspace_demo01",
            "app": "package_demo__c",
            "table": "student",
            "type": "UPDATE",
            "operator": f"({person.id})",
            "before": '{"name":"Ann","age":12}',
            "after": '{"name":"Ann","age":13}',
        },
        "auth.user_access_token.revoked_v4": envelopes.token_revoked(app, person, "user"),
        PREVIEW: envelopes.link_seen(
            app, person, message, url="https://example.com/orders/4711", token=ids.preview_token()
        ),
    }


def routes() -> list[ControlRoute]:
    return [question("templates", list_templates, query=["app_id", "person"])]
