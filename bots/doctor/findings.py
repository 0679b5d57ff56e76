"""What the doctor says: one finding for each thing looked at."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bots.enums import CheckResult
from feishu.categories import Category
from feishu.codes import TABLE
from feishu.errors import FeishuError
from feishu.reasons import Reason
from feishu.text import Text

NOTHING_TO_DO: Final = Text("", "")
_WORDS: Final = 200
"""Characters of the platform's own words that are passed on."""
_SAID_ALL: Final = frozenset(
    {Reason.DNS, Reason.UNREACHABLE, Reason.TIMEOUT, Reason.PROXY_UNREACHABLE, Reason.PROXY_TIMEOUT}
)
"""Reasons whose cause says all that the library's words would, in one language and with numbers of the system."""
_PASSING: Final = frozenset({Category.RETRY, Category.RATE_LIMIT})


class Check(StrEnum):
    """What is looked at, in the order in which a person sets it up."""

    APP_SECRET = "app_secret"  # noqa: S105 - a name
    CREDENTIALS = "credentials"
    LONG_CONNECTION = "long_connection"
    CONNECTIONS = "connections"
    BOT = "bot"
    APPLICATION = "application"
    SENDING = "sending"
    RECEIVING = "receiving"
    GROUP_MESSAGES = "group_messages"
    USER_SCOPES = "user_scopes"
    OFFLINE_ACCESS = "offline_access"
    EVENTS = "events"
    MESSAGES = "messages"
    CALLBACKS = "callbacks"
    CLICKS = "clicks"
    WEBHOOK_KEYS = "webhook_keys"
    REDIRECT_URL = "redirect_url"
    REFRESH = "refresh"
    VERSION = "version"
    AVAILABILITY = "availability"
    PEOPLE = "people"
    CLOCK = "clock"
    PUBLIC_URL = "public_url"
    PROXY_VARIABLES = "proxy_variables"
    FIRST_MESSAGE = "first_message"
    CONSENT = "consent"
    FIRST_AUTHORIZATION = "first_authorization"


TITLES: Final = {
    Check.APP_SECRET: Text("保存的 App Secret", "Stored App Secret"),
    Check.CREDENTIALS: Text("应用凭证与平台地址", "Credentials and platform"),
    Check.LONG_CONNECTION: Text("允许建立长连接", "Long connections allowed"),
    Check.CONNECTIONS: Text("在线的长连接", "Connections that are up"),
    Check.BOT: Text("机器人能力", "Bot capability"),
    Check.APPLICATION: Text("应用状态", "State of the app"),
    Check.REDIRECT_URL: Text("重定向 URL", "Redirect URL"),
    Check.EVENTS: Text("事件配置", "Event configuration"),
    Check.MESSAGES: Text("接收消息事件", "Event of messages"),
    Check.CALLBACKS: Text("回调配置", "Callback configuration"),
    Check.CLICKS: Text("卡片按钮回调", "Callback of card buttons"),
    Check.SENDING: Text("发送消息的权限", "Scope to send messages"),
    Check.RECEIVING: Text("接收单聊消息的权限", "Scope to receive direct messages"),
    Check.GROUP_MESSAGES: Text("接收群聊全部消息的权限", "Scope to receive all messages of groups"),
    Check.USER_SCOPES: Text("向用户申请的权限", "Scopes to ask users for"),
    Check.OFFLINE_ACCESS: Text("长期授权 offline_access", "Lasting grants: offline_access"),
    Check.REFRESH: Text("刷新 user_access_token 的开关", "Switch “Refresh user_access_token”"),
    Check.VERSION: Text("版本发布", "Published version"),
    Check.AVAILABILITY: Text("可用范围", "Availability"),
    Check.FIRST_MESSAGE: Text("收到第一条消息", "First message"),
    Check.CONSENT: Text("授权页面", "Consent page"),
    Check.FIRST_AUTHORIZATION: Text("第一次授权", "First authorization"),
    Check.PEOPLE: Text("成员的姓名与头像", "Names and pictures of people"),
    Check.CLOCK: Text("本机时钟", "This machine's clock"),
    Check.PUBLIC_URL: Text("门户地址 PUBLIC_URL", "Address of the portal: PUBLIC_URL"),
    Check.PROXY_VARIABLES: Text("环境变量中的代理", "Proxy of the environment"),
    Check.WEBHOOK_KEYS: Text("Webhook 密钥", "Keys of the webhook"),
}


AFTER_ANOTHER: Final = Text("先处理上面的问题", "See to the problem above first")
"""The cure of what was not examined."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `code` and `log_id` are the platform's, where it refused something; `value` is what a person has
    to enter in the developer console, to be copied."""

    check: Check
    result: CheckResult
    cause: Text
    cure: Text = NOTHING_TO_DO
    code: int | None = None
    log_id: str = ""
    value: str = ""

    @property
    def title(self) -> Text:
        return TITLES[self.check]

    @property
    def is_put_off(self) -> bool:
        """Nothing could be looked at, because of what another check has found."""
        return self.cure == AFTER_ANOTHER


def refused(
    check: Check,
    error: FeishuError,
    *,
    result: CheckResult | None = None,
    cure: Text | None = None,
    secret: str,
) -> Finding:
    """The finding for a call that failed; `secret` is kept out of it, even if the platform echoes it.

    `result`: where none is given, what passes by itself is unknown and everything else wrong.
    """
    info, words = error.info, error.message.replace(secret, "••••") if secret else error.message
    said = words if len(words) <= _WORDS else f"{words[:_WORDS]}…"
    cause = (
        info.cause
        if error.code in TABLE or error.reason in _SAID_ALL
        else Text(f"{info.cause.zh_cn}：{said}", f"{info.cause.en_us}: {said}")
    )
    passing = (error.http_status or 0) >= 500 if error.code is None else info.category in _PASSING
    return Finding(
        check,
        result or (CheckResult.UNKNOWN if passing else CheckResult.WRONG),
        cause,
        cure or info.cure,
        code=error.code,
        log_id=error.log_id,
    )
