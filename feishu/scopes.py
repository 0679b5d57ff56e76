"""Scopes in words, much as the platform's consent page shows them."""

import re
from collections.abc import Sequence
from typing import Final

from feishu.text import Text

SCOPE_SYNTAX: Final = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}"
"""Every scope that the platform documents; a text of any other shape is none."""
MAX_SCOPES: Final = 50
"""Scopes that fit in one request for consent."""
_READS: Final = ("readonly", "read_only", "read", "get", "list")
"""How scopes end that change nothing."""
_SCOPE: Final = re.compile(SCOPE_SYNTAX)
_BETWEEN: Final = re.compile(
    r"[\s,;+\[\]\"'\N{IDEOGRAPHIC COMMA}\N{FULLWIDTH COMMA}\N{FULLWIDTH SEMICOLON}]+"
)

_TEXTS: Final = {
    "offline_access": Text(
        "在你离线时持续访问已授权的数据", "Keep access to the data you allow while you are away"
    ),
    "auth:user.id:read": Text("获取你的用户标识", "See your user ID"),
    "auth:user_access_token:read": Text("接收授权撤销的通知", "Be told when an authorization is revoked"),
    "contact:user.base:readonly": Text(
        "获取你的姓名、头像等基本信息", "See your name, picture and other basics"
    ),
    "contact:user.employee_id:readonly": Text("获取你的用户 ID", "See your user ID in the company"),
    "contact:user.email:readonly": Text("获取你的邮箱地址", "See your e-mail address"),
    "contact:user.phone:readonly": Text("获取你的手机号", "See your phone number"),
    "contact:contact.base:readonly": Text("读取通讯录基本信息", "Read basic contacts"),
    "im:message": Text("获取与发送单聊、群组消息", "Read and send messages"),
    "im:message:readonly": Text("读取单聊、群组消息", "Read messages"),
    "im:message:send_as_bot": Text("以应用的身份发消息", "Send messages as the app"),
    "im:message.p2p_msg:readonly": Text("读取用户发给机器人的单聊消息", "Read messages sent to the bot"),
    "im:message.group_at_msg:readonly": Text(
        "接收群聊中 @机器人的消息", "Read group messages that mention the bot"
    ),
    "im:message.group_msg": Text("接收群聊中的所有消息", "Read all messages of its groups"),
    "im:chat:read": Text("查看群信息", "See groups"),
    "im:chat.members:read": Text("查看群成员", "See who is in a group"),
    "im:chat.members:bot_access": Text(
        "订阅机器人进、出群事件", "Be told when the bot is added to or removed from a group"
    ),
    "cardkit:card:write": Text("创建与更新卡片", "Create and update cards"),
    "docx:document:readonly": Text("查看新版文档", "View documents"),
    "docx:document": Text("创建及编辑新版文档", "Create and edit documents"),
    "drive:drive:readonly": Text("查看云空间中的文件", "View files in Drive"),
    "drive:drive": Text("查看、编辑和管理云空间中的文件", "View, edit and manage files in Drive"),
    "calendar:calendar:readonly": Text("查看日历和日程", "View calendars and events"),
    "calendar:calendar": Text("查看、编辑日历和日程", "View and edit calendars and events"),
    "task:task:read": Text("查看任务", "View tasks"),
    "task:task:write": Text("创建和编辑任务", "Create and edit tasks"),
    "app_engine:apps:read": Text("查看 aPaaS 应用", "See aPaaS apps"),
    "app_engine:workspace.table:read": Text("查看 aPaaS 数据表", "See aPaaS tables"),
    "app_engine:workspace.table:write": Text("管理 aPaaS 数据表", "Manage aPaaS tables"),
    "app_engine:workspace.table.record:read": Text("查看 aPaaS 数据记录", "Read aPaaS records"),
    "app_engine:workspace.table.record:write": Text(
        "创建和修改 aPaaS 数据记录", "Create and change aPaaS records"
    ),
    "app_engine:workspace.sql_commands:write": Text(
        "在 aPaaS 工作空间执行 SQL", "Run SQL in aPaaS workspaces"
    ),
    "approval:approval:readonly": Text("查看审批", "View approvals"),
    "application:application:self_manage": Text("管理应用自身的资源", "Manage the app's own resources"),
}


def named_scopes() -> dict[str, Text]:
    """The scopes for which there are words."""
    return dict(_TEXTS)


def is_scope(text: str) -> bool:
    """Whether the platform could have a scope of this name."""
    return _SCOPE.fullmatch(text) is not None


def scopes_in(text: str) -> list[str]:
    """What could be a scope in a text that lists some, whatever stands between them."""
    return [word for word in _BETWEEN.split(text) if is_scope(word)]


def narrowest(scopes: Sequence[str]) -> str:
    """The one that seems to allow least, by its name: one to read before one to change, then the one that is named most closely,
    as `drive:drive.metadata:readonly` before `drive:drive:readonly`; else the first. There is at least one."""
    return min(scopes, key=lambda scope: (not scope.endswith(_READS), -scope.count(".") - scope.count(":")))


def scope_text(scope: str) -> Text:
    """What a scope allows; its own name when there are no words for it here."""
    return _TEXTS.get(scope) or Text(scope, scope)
