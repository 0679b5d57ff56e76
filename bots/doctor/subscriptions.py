"""The tabs “Event configuration” and “Callback configuration” of the developer console, compared with how the bot receives.

They are set separately, and a bot whose buttons do nothing usually lacks the second one.
"""

from collections.abc import Iterator
from typing import Final

from django.conf import settings

from bots.doctor.findings import Check, CheckResult, Finding
from bots.enums import Transport
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
    Check.CALLBACKS: Text("回调配置", "Callback configuration"),
}


def compare_subscriptions(bot: Bot, app: AppInfo | None) -> Iterator[Finding]:
    """`app`: None where the platform did not let us read it."""
    if app is None:
        for check in _TABS:
            words = Text("无法读取", "It cannot be read")
            yield Finding(check, CheckResult.UNKNOWN, words, _choose(bot, check))
        return
    if app.events is not None:
        yield _events(bot, app.events)
    yield _callbacks(bot, app.callbacks)


def _events(bot: Bot, setup: PushSetup) -> Finding:
    if found := _wrong_way(bot, Check.EVENTS, setup):
        return found
    # An empty list is what an app that gets everything has as well.
    if setup.subscribed and MESSAGE_RECEIVED not in setup.subscribed:
        return Finding(
            Check.EVENTS,
            CheckResult.WARNING,
            Text(
                f"没有订阅 {MESSAGE_RECEIVED}：机器人收不到消息和命令",
                f"{MESSAGE_RECEIVED} is not subscribed: the bot hears no messages and no commands",
            ),
            _add(Check.EVENTS, MESSAGE_RECEIVED),
        )
    return Finding(Check.EVENTS, CheckResult.OK, _by(setup))


def _callbacks(bot: Bot, setup: PushSetup | None) -> Finding:
    if setup is None:
        # The platform leaves it out for an app without callbacks.
        return Finding(
            Check.CALLBACKS,
            CheckResult.WARNING,
            Text(
                "没有订阅任何回调：点击卡片按钮没有反应（错误 200340）",
                "No callback is subscribed: buttons on cards do nothing (error 200340)",
            ),
            _choose(bot, Check.CALLBACKS),
        )
    if found := _wrong_way(bot, Check.CALLBACKS, setup):
        return found
    if CLICK not in setup.subscribed:
        return Finding(
            Check.CALLBACKS,
            CheckResult.WRONG,
            Text(
                f"没有订阅 {CLICK}：点击卡片按钮没有反应",
                f"{CLICK} is not subscribed: buttons on cards do nothing",
            ),
            _add(Check.CALLBACKS, CLICK),
        )
    return Finding(Check.CALLBACKS, CheckResult.OK, _by(setup))


def _wrong_way(bot: Bot, check: Check, setup: PushSetup) -> Finding | None:
    """The finding for a tab that sends elsewhere than to where the bot receives."""
    wanted = _wanted(bot, check).value
    if setup.mode not in _MODES:
        words = Text(f"未知的接收方式「{setup.mode}」", f"It arrives by “{setup.mode}”, which we do not know")
        return Finding(check, CheckResult.UNKNOWN, words, _choose(bot, check))
    if setup.mode != wanted:
        is_there, should_be = _MODES[setup.mode], _MODES[wanted]
        return Finding(
            check,
            CheckResult.WRONG,
            Text(
                f"开发者后台选择的是{is_there.zh_cn}，而机器人设置为{should_be.zh_cn}",
                f"The developer console says {is_there.en_us}, and the bot is set to {should_be.en_us}",
            ),
            _choose(bot, check),
        )
    address = _address(bot)
    if wanted == "webhook" and address and setup.request_url and setup.request_url.strip() != address:
        return Finding(
            check,
            CheckResult.WARNING,
            Text(f"请求地址是 {setup.request_url}", f"The request URL is {setup.request_url}"),
            _choose(bot, check),
        )
    return None


def _wanted(bot: Bot, check: Check) -> Transport:
    return bot.callbacks_by if check is Check.CALLBACKS else Transport(bot.transport)


def _by(setup: PushSetup) -> Text:
    mode = _MODES[setup.mode]
    listed = ", ".join(setup.subscribed[:20])
    return Text(f"{mode.zh_cn}：{listed}", f"By {mode.en_us}: {listed}") if listed else mode


def _choose(bot: Bot, check: Check) -> Text:
    tab, address = _TABS[check], _address(bot)
    needed = MESSAGE_RECEIVED if check is Check.EVENTS else CLICK
    if _wanted(bot, check) is Transport.WEBHOOK:
        zh, en = f"将请求地址设为 {address}".rstrip(), f"set the request URL {address}".rstrip()
    else:
        zh, en = "选择长连接", "choose the persistent connection"
    return Text(
        f"在「事件与回调」的「{tab.zh_cn}」中{zh}，添加 {needed}，并发布版本",
        f"Under “Events & Callbacks”, “{tab.en_us}”, {en}, add {needed}, and publish a version",
    )


def _add(check: Check, name: str) -> Text:
    tab = _TABS[check]
    return Text(
        f"在「事件与回调」的「{tab.zh_cn}」中添加 {name} 并发布版本",
        f"Add {name} under “Events & Callbacks”, “{tab.en_us}”, and publish a version",
    )


def _address(bot: Bot) -> str:
    return f"{settings.PUBLIC_URL}/api/feishu/webhook/{bot.app_id}" if settings.PUBLIC_URL else ""
