"""The scopes that are enabled for the app, compared with those that the portal needs and those it asks users for."""

from collections.abc import Collection, Iterator
from typing import Final

from bots.doctor.findings import Check, Finding
from bots.enums import CheckResult
from feishu.app_info import AppInfo, Identity
from feishu.text import Text

OFFLINE_ACCESS: Final = "offline_access"
SENDING: Final = ("im:message", "im:message:send_as_bot")
"""Either will do (page "Send message")."""
RECEIVING: Final = ("im:message.p2p_msg:readonly", "im:message.p2p_msg", "im:message", "im:message:readonly")
"""Any of them has messages of direct chats pushed (page "Receive message")."""
GROUP_MESSAGES: Final = ("im:message.group_msg", "im:message.group_msg:readonly")
"""Either has all messages of groups pushed, and not only those that mention the bot."""
_APP: Final = Text("应用身份", "the app's identity")
_USER: Final = Text("用户身份", "the user's identity")


def compare_scopes(
    asked: Collection[str], app: AppInfo | None, *, answers_unmentioned: bool = False
) -> Iterator[Finding]:
    """`asked`: what the bot asks users for. `app`: None where the platform did not let us read it. `answers_unmentioned`: the
    bot answers messages of groups that do not mention it."""
    if app is None or app.scopes is None:
        wanted = " ".join([SENDING[1], RECEIVING[0], *asked])
        yield Finding(
            Check.USER_SCOPES,
            CheckResult.UNKNOWN,
            Text("无法读取已开通的权限", "The scopes that are enabled cannot be read"),
            Text(
                f"在“权限管理”中确认已开通：{wanted}",
                f"Make sure these are enabled under “Permissions & Scopes”: {wanted}",
            ),
            value=wanted,
        )
        return
    yield _sending(app)
    yield _receiving(app)
    if answers_unmentioned:
        yield _group_messages(app)
    yield _user_scopes([scope for scope in asked if scope != OFFLINE_ACCESS], app)
    yield offline_access_not_asked(asked) or _offline_access(app)


def _sending(app: AppInfo) -> Finding:
    missing = Text(
        "应用不能发送消息，也就发不出授权卡片", "The app may not send messages, so it cannot send cards"
    )
    return _any_of(SENDING, app, Check.SENDING, CheckResult.WRONG, missing, advised=SENDING[1])


def _receiving(app: AppInfo) -> Finding:
    missing = Text(
        "应用收不到单聊消息，用户发送 /auth 没有回应",
        "The app does not receive direct messages: nobody receives a /auth written to the bot",
    )
    return _any_of(RECEIVING, app, Check.RECEIVING, CheckResult.WARNING, missing, advised=RECEIVING[0])


def _group_messages(app: AppInfo) -> Finding:
    missing = Text(
        "机器人应回应没有 @ 它的群消息，但应用收不到这些消息",
        "The bot is to answer messages of groups that do not mention it, and the app does not receive them",
    )
    advised = GROUP_MESSAGES[0]
    return _any_of(GROUP_MESSAGES, app, Check.GROUP_MESSAGES, CheckResult.WARNING, missing, advised=advised)


def _any_of(
    scopes: Collection[str], app: AppInfo, check: Check, result: CheckResult, missing: Text, *, advised: str
) -> Finding:
    """Of scopes of which any will do; ``result`` and ``missing`` where none is enabled."""
    for scope in scopes:
        if _has(app, scope, "tenant"):
            return Finding(check, CheckResult.OK, Text(f"已开通 {scope}", f"{scope} is enabled"))
    return Finding(check, result, missing, _enable([advised], _APP), value=advised)


def _user_scopes(asked: list[str], app: AppInfo) -> Finding:
    missing = [scope for scope in asked if not _has(app, scope, "user")]
    if not missing:
        words = (
            Text(f"均已开通：{' '.join(asked)}", f"All are enabled: {' '.join(asked)}")
            if asked
            else Text("除 offline_access 外不申请权限", "None is asked for but offline_access")
        )
        return Finding(Check.USER_SCOPES, CheckResult.OK, words)
    names = " ".join(missing)
    return Finding(
        Check.USER_SCOPES,
        CheckResult.WRONG,
        Text(
            f"用户身份下未开通：{names}；用户会看到错误 20027",
            f"Not enabled for the user's identity: {names}; users get error 20027",
        ),
        _enable(missing, _USER),
        value=names,
    )


def offline_access_not_asked(asked: Collection[str]) -> Finding | None:
    """The finding for a bot that does not ask users for it; None for one that does."""
    if OFFLINE_ACCESS in asked:
        return None
    return Finding(
        Check.OFFLINE_ACCESS,
        CheckResult.WARNING,
        Text(
            "机器人不申请 offline_access：授权两小时后就会失效",
            "The bot does not ask for it: every grant ends after two hours",
        ),
        Text(
            "在机器人设置的“默认申请的权限”中加入 offline_access",
            "Add offline_access to the bot's scopes to ask for",
        ),
        value=OFFLINE_ACCESS,
    )


def _offline_access(app: AppInfo) -> Finding:
    if not _has(app, OFFLINE_ACCESS, "user"):
        return Finding(
            Check.OFFLINE_ACCESS,
            CheckResult.WRONG,
            Text("应用未开通 offline_access", "The app does not have it enabled"),
            _enable([OFFLINE_ACCESS], _USER),
            value=OFFLINE_ACCESS,
        )
    return Finding(Check.OFFLINE_ACCESS, CheckResult.OK, Text("已开通并会申请", "Enabled and asked for"))


def _has(app: AppInfo, name: str, identity: Identity) -> bool:
    return any(scope.name == name and scope.serves(identity) for scope in app.scopes or ())


def _enable(names: list[str], identity: Text) -> Text:
    listed = " ".join(names)
    return Text(
        f"在“权限管理”中为{identity.zh_cn}开通 {listed} 并发布版本",
        f"Enable {listed} for {identity.en_us} under “Permissions & Scopes” and publish a version",
    )
