"""The tabs “Event configuration” and “Callback configuration” of the developer console, compared with how the bot receives.

They are set separately, and a bot whose buttons do nothing usually lacks the second one.
"""

from collections.abc import Iterator
from typing import Final

from bots.doctor.findings import Check, Finding
from bots.enums import CheckResult, Transport
from bots.models import Bot
from feishu.app_info import AppInfo, PushSetup
from feishu.callbacks import CLICK
from feishu.envelope import MESSAGE_RECEIVED
from feishu.text import Text

_MODES: Final = {
    "websocket": Text("长连接", "long connection"),
    "webhook": Text("Webhook（开发者服务器）", "webhook (developer server)"),
}
_TABS: Final = {
    Check.EVENTS: Text("事件配置", "Event configuration"),
    Check.MESSAGES: Text("事件配置", "Event configuration"),
    Check.CALLBACKS: Text("回调配置", "Callback configuration"),
    Check.CLICKS: Text("回调配置", "Callback configuration"),
}
_NEEDED: Final = {Check.MESSAGES: MESSAGE_RECEIVED, Check.CLICKS: CLICK}
_UNREADABLE: Final = Text("无法读取", "It cannot be read")


def compare_subscriptions(bot: Bot, app: AppInfo | None) -> Iterator[Finding]:
    """`app`: None where the platform did not let us read it."""
    if app is None or app.events is None:
        yield _choose(bot, Check.EVENTS, CheckResult.UNKNOWN, _UNREADABLE)
        yield _add(Check.MESSAGES, CheckResult.UNKNOWN, _UNREADABLE)
    else:
        yield _mode(bot, Check.EVENTS, app.events)
        yield _messages(app.events)
    if app is None:
        yield _choose(bot, Check.CALLBACKS, CheckResult.UNKNOWN, _UNREADABLE)
        yield _add(Check.CLICKS, CheckResult.UNKNOWN, _UNREADABLE)
    elif app.callbacks is None:
        # The platform leaves it out for an app without callbacks.
        words = Text("没有配置任何回调", "No callback is configured")
        yield _choose(bot, Check.CALLBACKS, CheckResult.WARNING, words)
        yield _no_clicks(CheckResult.WARNING)
    else:
        yield _mode(bot, Check.CALLBACKS, app.callbacks)
        yield _clicks(app.callbacks)


def _messages(setup: PushSetup) -> Finding:
    # An empty list is what an app that gets everything has as well.
    if not setup.subscribed or MESSAGE_RECEIVED in setup.subscribed:
        return Finding(Check.MESSAGES, CheckResult.OK, _listed(setup))
    words = Text(
        f"没有订阅 {MESSAGE_RECEIVED}：机器人收不到消息和命令",
        f"{MESSAGE_RECEIVED} is not subscribed: the bot receives no messages and no commands",
    )
    return _add(Check.MESSAGES, CheckResult.WARNING, words)


def _clicks(setup: PushSetup) -> Finding:
    if CLICK not in setup.subscribed:
        return _no_clicks(CheckResult.WRONG)
    return Finding(Check.CLICKS, CheckResult.OK, _listed(setup))


def _no_clicks(result: CheckResult) -> Finding:
    words = Text(
        f"没有订阅 {CLICK}：点击卡片按钮没有反应（错误 200340）",
        f"{CLICK} is not subscribed: buttons on cards do nothing (error 200340)",
    )
    return _add(Check.CLICKS, result, words)


def _listed(setup: PushSetup) -> Text:
    listed = ", ".join(setup.subscribed[:20])
    return (
        Text(f"已订阅：{listed}", f"Subscribed: {listed}") if listed else Text("未限定类型", "Not restricted")
    )


def _mode(bot: Bot, check: Check, setup: PushSetup) -> Finding:
    """Whether a tab sends to where the bot receives."""
    wanted = _wanted(bot, check).value
    if setup.mode not in _MODES:
        words = Text(f"未知的接收方式“{setup.mode}”", f"It arrives by “{setup.mode}”, which we do not know")
        return _choose(bot, check, CheckResult.UNKNOWN, words)
    is_there, should_be = _MODES[setup.mode], _MODES[wanted]
    if setup.mode != wanted:
        words = Text(
            f"开发者后台选择的是{is_there.zh_cn}，而机器人设置为{should_be.zh_cn}",
            f"The developer console says {is_there.en_us}, and the bot is set to {should_be.en_us}",
        )
        return _choose(bot, check, CheckResult.WRONG, words)
    address = bot.webhook_url
    if wanted == "webhook" and address and setup.request_url and setup.request_url.strip() != address:
        words = Text(f"请求地址是 {setup.request_url}", f"The request URL is {setup.request_url}")
        return _choose(bot, check, CheckResult.WARNING, words)
    return Finding(check, CheckResult.OK, Text(f"使用{is_there.zh_cn}", f"By {is_there.en_us}"))


def _wanted(bot: Bot, check: Check) -> Transport:
    return bot.callbacks_by if check is Check.CALLBACKS else Transport(bot.transport)


def _choose(bot: Bot, check: Check, result: CheckResult, cause: Text) -> Finding:
    """The finding for a tab that has to be set to how the bot receives."""
    tab, address = _TABS[check], ""
    if _wanted(bot, check) is Transport.WEBHOOK:
        address = bot.webhook_url
        zh, en = (
            (f"将请求地址设为 {address}", f"set the request URL {address}")
            if address
            else ("填写请求地址", "set the request URL")
        )
    else:
        zh, en = "选择长连接", "choose the persistent connection"
    cure = Text(
        f"在“事件与回调”的“{tab.zh_cn}”中{zh}，并发布版本",
        f"Under “Events & Callbacks”, “{tab.en_us}”, {en}, and publish a version",
    )
    return Finding(check, result, cause, cure, value=address)


def _add(check: Check, result: CheckResult, cause: Text) -> Finding:
    """The finding for a tab that lacks what the portal needs, or may lack it."""
    tab, name = _TABS[check], _NEEDED[check]
    cure = Text(
        f"在“事件与回调”的“{tab.zh_cn}”中添加 {name} 并发布版本",
        f"Add {name} under “Events & Callbacks”, “{tab.en_us}”, and publish a version",
    )
    return Finding(check, result, cause, cure, value=name)
