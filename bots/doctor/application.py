"""What the platform says about bot and app, compared with what the portal needs of them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bots.doctor.case import Case
from bots.doctor.findings import Check, Finding
from bots.doctor.redirect_url import nearest
from bots.doctor.scopes import compare_scopes
from bots.doctor.subscriptions import compare_subscriptions
from bots.enums import CheckResult
from bots.groups.policy import answers_unmentioned
from bots.identity import note_open_id
from feishu.app_info import AppInfo
from feishu.codes import explain
from feishu.errors import FeishuError, MissingScope
from feishu.text import Text

SELF_MANAGE: Final = "application:application:self_manage"
_ENABLED = 2
_BOT_STATES: Final = {
    0: Text("机器人尚未启用", "The bot is not enabled yet"),
    1: Text("企业停用了机器人", "The tenant has disabled the bot"),
    3: Text("已安装，但尚未启用", "The bot is installed but not enabled"),
    4: Text("有新版本等待升级", "An upgrade of the bot is pending"),
    5: Text("许可证已过期", "The licence has expired"),
    6: Text("套餐已过期或降级", "The plan has expired or was downgraded"),
}
_UPGRADE_PENDING: Final = 4
REFRESH_OFF: Final = 20074
_ENABLE: Final = Text(
    "请企业管理员在管理后台启用该应用，并确认最新版本已发布",
    "Let the tenant's administrator enable the app, and make sure its latest version is published",
)
_PUBLISH: Final = Text(
    "在开发者后台“版本管理与发布”中创建版本并发布；权限、事件与开关发布后才生效",
    "Create a version under “Version Management & Release” and publish it; scopes, events and switches take effect "
    "only then",
)

_APPROVE: Final = Text(
    "请企业管理员在管理后台审核该版本；审核通过后，新的权限、事件与开关才生效",
    "Let the tenant's administrator approve it: its scopes, events and switches take effect only then",
)


def bot_capability(case: Case) -> Iterator[Finding]:
    """The bot as chats see it."""
    info = case.api.bot_info()
    note_open_id(case.bot, info.open_id)
    status = info.activate_status
    if status == _ENABLED:
        words = Text(f"机器人“{info.name}”已启用", f"The bot “{info.name}” is enabled")
        yield Finding(Check.BOT, CheckResult.OK, words)
        return
    words = _BOT_STATES.get(
        status, Text(f"未知的机器人状态 {status}", f"The bot is in a state we do not know: {status}")
    )
    yield Finding(
        Check.BOT, CheckResult.WARNING if status == _UPGRADE_PENDING else CheckResult.WRONG, words, _ENABLE
    )


def application(case: Case) -> Iterator[Finding]:
    """The app as the developer console has it; without the right to read it, what to look at there."""
    app = None
    try:
        app = case.api.application()
        yield _state(app)
    except FeishuError as error:
        yield _unreadable(case, error)
    yield from compare_scopes(case.bot.auth_scopes, app, answers_unmentioned=answers_unmentioned(case.bot))
    yield from compare_subscriptions(case.bot, app)
    yield _redirect_url("" if case.bot.asks_by_device_code else case.bot.redirect_uri, app)
    yield refresh_switch(app)
    yield _version(app)


def _unreadable(case: Case, error: FeishuError) -> Finding:
    cure = Text(
        f"在“权限管理”中开通 {SELF_MANAGE} 并发布版本，门户即可自行核对",
        f"Enable {SELF_MANAGE} under “Permissions & Scopes” and publish a version: the portal can then compare by itself",
    )
    is_denied = isinstance(error, MissingScope)
    finding = case.refused(
        Check.APPLICATION, error, result=CheckResult.UNKNOWN, cure=cure if is_denied else None
    )
    return replace(finding, value=SELF_MANAGE) if is_denied else finding


def _state(app: AppInfo) -> Finding:
    if app.status == 0:
        words = Text("应用已停用", "The app is disabled")
        return Finding(Check.APPLICATION, CheckResult.WRONG, words, _ENABLE)
    if app.status == 2:
        words = Text("应用尚未启用", "The app is not enabled yet")
        return Finding(Check.APPLICATION, CheckResult.WRONG, words, _ENABLE)
    words = (
        Text(f"应用“{app.name}”已启用", f"The app “{app.name}” is enabled")
        if app.status == 1
        else Text(f"应用“{app.name}”", f"The app “{app.name}”")
    )
    return Finding(Check.APPLICATION, CheckResult.OK, words)


def _version(app: AppInfo | None) -> Finding:
    if app is None or app.published is None:
        words = Text("无法读取已发布的版本", "The published version cannot be read")
        return Finding(Check.VERSION, CheckResult.UNKNOWN, words, _PUBLISH)
    if app.published is False:
        words = Text("应用还没有发布过版本", "No version of the app has been published")
        return Finding(Check.VERSION, CheckResult.WRONG, words, _PUBLISH)
    if app.in_review:
        words = Text(
            "有版本等待企业管理员审核", "A version waits for the tenant's administrator to approve it"
        )
        return Finding(Check.VERSION, CheckResult.WARNING, words, _APPROVE)
    return Finding(Check.VERSION, CheckResult.OK, Text("已发布", "A version is online"))


def refresh_switch(app: AppInfo | None) -> Finding:
    """As the platform has it; where it does not say, only a refresh shows."""
    if app is None or app.may_refresh is None:
        return Finding(
            Check.REFRESH,
            CheckResult.UNKNOWN,
            Text(
                "平台没有给出此开关，也还没有刷新过",
                "The platform does not say, and nothing was refreshed yet",
            ),
            Text(
                "在开发者后台“安全设置”中查看“刷新 user_access_token”；没有此开关即为开启",
                "Look for “Refresh user_access_token” under “Security Settings”; where there is no such switch, it is on",
            ),
        )
    if app.may_refresh:
        return Finding(Check.REFRESH, CheckResult.OK, Text("已开启", "It is on"))
    info = explain(REFRESH_OFF)
    return Finding(Check.REFRESH, CheckResult.WRONG, info.cause, info.cure, code=info.code)


def _redirect_url(needed: str, app: AppInfo | None) -> Finding:
    if not needed:
        words = Text("使用设备码授权，不需要重定向 URL", "People authorize by device code, which needs none")
        return Finding(Check.REDIRECT_URL, CheckResult.OK, words)
    if app is None or app.redirect_urls is None:
        return Finding(
            Check.REDIRECT_URL,
            CheckResult.UNKNOWN,
            Text("无法读取已登记的重定向 URL", "The registered redirect URLs cannot be read"),
            _register(needed),
            value=needed,
        )
    if needed in app.redirect_urls:
        words = Text(f"已登记 {needed}", f"{needed} is registered")
        return Finding(Check.REDIRECT_URL, CheckResult.OK, words)
    return Finding(
        Check.REDIRECT_URL, CheckResult.WRONG, _not_registered(needed, app), _register(needed), value=needed
    )


def _not_registered(needed: str, app: AppInfo) -> Text:
    words = Text(
        f"没有登记 {needed}，用户会看到错误 20029", f"{needed} is not registered, so users get error 20029"
    )
    near = nearest(needed, app.redirect_urls or ())
    if near is None:
        return words
    zh = "、".join(part.value.zh_cn for part in near.differs_in) or "空白字符"
    en = ", ".join(part.value.en_us for part in near.differs_in) or "blanks"
    return Text(
        f"{words.zh_cn}；已登记的 {near.url} 不同之处：{zh}",
        f"{words.en_us}; {near.url} is registered and differs in: {en}",
    )


def _register(needed: str) -> Text:
    return Text(
        f"在开发者后台“安全设置”的重定向 URL 中登记：{needed}",
        f"Register under “Security Settings”, redirect URLs, exactly: {needed}",
    )
