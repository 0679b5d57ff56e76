"""Everything that has to be right with a bot, one row each: how it stands, why it matters, and where it is set right."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Min, Q
from django.utils import timezone

from bots.doctor.developer_console import chat_with, console_page
from bots.doctor.examination import examine_setup
from bots.doctor.findings import AFTER_ANOTHER, Check
from bots.doctor.records import CheckState, states_now
from bots.enums import CheckResult, Transport
from bots.models import Bot, Checkup, StoredFinding
from core.access.models import User
from feishu.text import Text

NEW: Final = timedelta(days=7)
"""For so long a bot's overview counts what only use can show; afterwards a bot that nobody writes to is no problem."""
_CHAT: Final = "chat"


@dataclass(frozen=True, slots=True)
class Item:
    """``page``: of the app in the developer console. ``is_optional``: the row may stay unknown, the bot works all the same."""

    why: Text
    page: str = ""
    is_optional: bool = False


ITEMS: Final = {
    Check.APP_SECRET: Item(
        Text("门户以它证明自己是该应用", "With it the portal proves that it is the app"), "baseinfo"
    ),
    Check.CREDENTIALS: Item(
        Text("没有有效的凭证，什么都做不了", "Nothing works without valid credentials"), "baseinfo"
    ),
    Check.LONG_CONNECTION: Item(
        Text("事件通过长连接到达", "Events arrive on the long connection"), "event", is_optional=True
    ),
    Check.CONNECTIONS: Item(
        Text(
            "同一应用的每条连接都会分走一部分事件",
            "Every connection of the app takes its share of the events",
        ),
        is_optional=True,
    ),
    Check.BOT: Item(
        Text(
            "用户只能与启用了机器人能力的应用聊天",
            "People can chat only with an app that has the bot feature",
        ),
        "bot",
    ),
    Check.APPLICATION: Item(
        Text(
            "读取应用信息后，门户可以自行核对以下各项",
            "Where the portal may read the app's settings, it compares the rows below by itself",
        ),
        "auth",
        is_optional=True,
    ),
    Check.SENDING: Item(Text("机器人需要发送消息和卡片", "The bot has to send messages and cards"), "auth"),
    Check.RECEIVING: Item(
        Text("机器人需要收到用户在单聊中发送的消息", "The bot has to receive what people write to it"), "auth"
    ),
    Check.GROUP_MESSAGES: Item(
        Text(
            "没有它，平台只推送 @ 了机器人的群消息",
            "Without it the platform sends only those messages of groups that mention the bot",
        ),
        "auth",
    ),
    Check.USER_SCOPES: Item(
        Text(
            "授权页面只接受已开通的权限，否则显示错误 20027",
            "The consent page takes only scopes that are enabled, and shows error 20027 for any other",
        ),
        "auth",
    ),
    Check.OFFLINE_ACCESS: Item(
        Text("没有它，授权两小时后失效", "Without it a grant ends after two hours"), "auth"
    ),
    Check.EVENTS: Item(
        Text(
            "事件的接收方式须与机器人设置一致",
            "Events have to be sent the way the bot is set to receive them",
        ),
        "event",
    ),
    Check.MESSAGES: Item(
        Text("没有订阅，机器人收不到消息", "Without the subscription no message reaches the bot"), "event"
    ),
    Check.CALLBACKS: Item(
        Text(
            "回调与事件在不同的标签页上分别设置", "Callbacks are set on a tab of their own, apart from events"
        ),
        "event",
    ),
    Check.CLICKS: Item(
        Text("没有订阅，点击卡片按钮没有反应", "Without the subscription buttons on cards do nothing"),
        "event",
    ),
    Check.WEBHOOK_KEYS: Item(
        Text("门户以它们确认请求来自平台", "By them the portal knows that a request comes from the platform"),
        "event",
    ),
    Check.REDIRECT_URL: Item(
        Text(
            "授权后浏览器回到门户；没有登记的地址会显示错误 20029",
            "After consent the browser comes back to the portal; an address that is not registered shows error 20029",
        ),
        "safe",
    ),
    Check.REFRESH: Item(
        Text("关闭时，授权两小时后失效", "Where it is off, a grant ends after two hours"), "safe"
    ),
    Check.VERSION: Item(
        Text(
            "权限、事件与开关在发布版本后生效",
            "Scopes, events and switches take effect when a version is published",
        ),
        "version",
    ),
    Check.AVAILABILITY: Item(
        Text(
            "不在可用范围内的成员无法授权（错误 20010）", "Who is outside it cannot authorize (error 20010)"
        ),
        "version",
    ),
    Check.PEOPLE: Item(
        Text(
            "页面以姓名与头像显示成员，也可按姓名搜索",
            "Pages show people by name and picture, and find them by name",
        ),
        "auth",
        is_optional=True,
    ),
    Check.CLOCK: Item(
        Text("时钟不准会误判消息的新旧", "By a wrong clock messages look older or newer than they are"),
        is_optional=True,
    ),
    Check.PUBLIC_URL: Item(
        Text(
            "浏览器授权与 Webhook 需要它，设备码授权不需要",
            "Authorization in the browser and webhooks need it, authorization by device code does not",
        )
    ),
    Check.PROXY_VARIABLES: Item(
        Text("门户访问平台的请求经过代理", "The portal's requests to the platform go through a proxy")
    ),
    Check.FIRST_MESSAGE: Item(
        Text("第一条消息说明事件能够到达", "The first message shows that events arrive"), _CHAT
    ),
    Check.CONSENT: Item(
        Text(
            "平台的授权页面出错时不会通知门户",
            "When its consent page ends with an error, the platform does not notify the portal",
        ),
        "safe",
    ),
    Check.FIRST_AUTHORIZATION: Item(
        Text("第一次授权说明整个流程可用", "The first authorization shows that the whole way works"), _CHAT
    ),
}
_OPTIONAL: Final = [check.value for check, item in ITEMS.items() if item.is_optional]
_SAVED_WHILE_ONLINE: Final = {
    True: Text(
        "长连接已在线，现在可以在开发者后台保存",
        "The long connection is up: the developer console lets you save now",
    ),
    False: Text(
        "长连接在线后，开发者后台才允许保存",
        "The developer console lets you save only while the long connection is up",
    ),
}


@dataclass(frozen=True, slots=True)
class ChecklistRow:
    """One thing that has to be right. ``link``: where it is set right, empty where that is not known."""

    state: CheckState
    item: Item
    link: str
    note: Text | None = None

    @property
    def check(self) -> Check:
        return self.state.finding.check

    @property
    def is_chat(self) -> bool:
        return self.item.page == _CHAT

    @property
    def is_open(self) -> bool:
        result = self.state.finding.result
        return result is not CheckResult.OK and not (self.item.is_optional and result is CheckResult.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Checklist:
    """``checked_at``: when the whole of it was last looked at, None before the first examination."""

    bot: Bot
    rows: list[ChecklistRow]
    checked_at: datetime | None

    @property
    def open_rows(self) -> list[ChecklistRow]:
        """What can be set right now."""
        return [row for row in self.rows if row.is_open and not row.state.finding.is_put_off]

    @property
    def put_off_rows(self) -> list[ChecklistRow]:
        """What is looked at once the open rows are set right."""
        return [row for row in self.rows if row.is_open and row.state.finding.is_put_off]

    @property
    def other_rows(self) -> list[ChecklistRow]:
        return [row for row in self.rows if not row.is_open]

    @property
    def unknown_count(self) -> int:
        """Of the other rows: those that say nothing for certain, and need not."""
        return sum(row.state.finding.result is CheckResult.UNKNOWN for row in self.other_rows)

    @property
    def good_count(self) -> int:
        """Of the other rows: those in order."""
        return len(self.other_rows) - self.unknown_count

    @property
    def is_green(self) -> bool:
        return self.checked_at is not None and not any(row.is_open for row in self.rows)


def checklist(bot: Bot) -> Checklist:
    """How the bot stands now: what was found, what was seen since, and what can be told without the platform."""
    checkup = Checkup.objects.filter(bot=bot).first()
    states = states_now(bot)
    now = timezone.now()
    for finding in examine_setup(bot):
        known = states.get(finding.check)
        is_same = known is not None and known.finding.result is finding.result
        since = known.since if known and is_same else now
        states[finding.check] = CheckState(finding, since, now)
    ordered = [states[check] for check in Check if check in states]
    return Checklist(bot, list(_rows(bot, ordered)), checkup.checked_at if checkup else None)


def _rows(bot: Bot, states: list[CheckState]) -> Iterator[ChecklistRow]:
    is_online = bot.uses_connection and bot.slots.connected().exists()
    for state in states:
        check = state.finding.check
        item = ITEMS[check]
        link = chat_with(bot) if item.page == _CHAT else console_page(bot, item.page)
        row = ChecklistRow(state, item, link)
        ways = {Check.EVENTS: Transport(bot.transport), Check.CALLBACKS: bot.callbacks_by}
        if row.is_open and ways.get(check) is Transport.WEBSOCKET:
            row = ChecklistRow(state, item, link, _SAVED_WHILE_ONLINE[is_online])
        yield row


@dataclass(frozen=True, slots=True)
class OpenBot:
    """A bot with rows to set right, in short. ``since``: when the oldest of them was found."""

    bot: Bot
    results: dict[Check, CheckResult]
    since: datetime

    @property
    def checks(self) -> list[Check]:
        return list(self.results)


def bots_with_open_rows(user: User, most: int) -> list[OpenBot]:
    """The bots that an operator should look at, those that have waited longest first; by what is stored, in three queries.

    What could not be found out, or has not happened yet, counts while a bot is new.
    """
    is_new = Q(
        bot__created_at__gte=timezone.now() - NEW, result__in=(CheckResult.UNKNOWN, CheckResult.WAITING)
    )
    counts = Q(result__in=(CheckResult.WRONG, CheckResult.WARNING)) | is_new & ~Q(check_name__in=_OPTIONAL)
    findings = (
        StoredFinding.objects.visible_to(user)
        .filter(counts, bot__enabled=True, bot__deleted_at=None)
        .exclude(cure_en=AFTER_ANOTHER.en_us)
    )
    waiting = findings.order_by().values("bot").annotate(first=Min("since")).order_by("first", "bot")
    first = {row["bot"]: row["first"] for row in waiting[:most]}
    results: dict[object, dict[Check, CheckResult]] = defaultdict(dict)
    for pk, name, result in findings.filter(bot__in=first).values_list("bot", "check_name", "result"):
        results[pk][Check(name)] = CheckResult(result)
    bots = Bot.objects.in_bulk(list(first))
    return [
        OpenBot(bots[pk], {check: results[pk][check] for check in Check if check in results[pk]}, since)
        for pk, since in first.items()
    ]
