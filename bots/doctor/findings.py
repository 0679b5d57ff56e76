"""What the doctor says: one finding for each thing looked at."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from feishu.categories import Category
from feishu.codes import TABLE
from feishu.errors import FeishuError, MalformedAnswer, TransportError
from feishu.text import Text

NOTHING_TO_DO: Final = Text("", "")
_WORDS: Final = 200
"""Characters of the platform's own words that are passed on."""
_PASSING: Final = frozenset({Category.RETRY, Category.RATE_LIMIT})


class CheckResult(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """It works, but not as well or as safely as it should."""
    WRONG = "wrong"
    UNKNOWN = "unknown"
    """It could not be found out; a person has to look."""


class Check(StrEnum):
    """What is looked at."""

    APP_SECRET = "app_secret"  # noqa: S105 - a name
    CREDENTIALS = "credentials"
    LONG_CONNECTION = "long_connection"
    CONNECTIONS = "connections"
    BOT = "bot"
    APPLICATION = "application"
    REDIRECT_URL = "redirect_url"
    SENDING = "sending"
    USER_SCOPES = "user_scopes"
    OFFLINE_ACCESS = "offline_access"
    REFRESH = "refresh"
    PUBLIC_URL = "public_url"
    WEBHOOK_KEYS = "webhook_keys"


_TITLES: Final = {
    Check.APP_SECRET: Text("保存的 App Secret", "Stored App Secret"),
    Check.CREDENTIALS: Text("应用凭证与平台地址", "Credentials and platform"),
    Check.LONG_CONNECTION: Text("长连接准入", "Admission to the long connection"),
    Check.CONNECTIONS: Text("在线的长连接", "Connections that are up"),
    Check.BOT: Text("机器人能力", "Bot capability"),
    Check.APPLICATION: Text("应用状态", "State of the app"),
    Check.REDIRECT_URL: Text("重定向 URL", "Redirect URL"),
    Check.SENDING: Text("发送消息的权限", "Scope to send messages"),
    Check.USER_SCOPES: Text("向用户申请的权限", "Scopes to ask users for"),
    Check.OFFLINE_ACCESS: Text("长期授权 offline_access", "Lasting grants: offline_access"),
    Check.REFRESH: Text("刷新 user_access_token 的开关", "Switch “Refresh user_access_token”"),
    Check.PUBLIC_URL: Text("门户地址 PUBLIC_URL", "Address of the portal: PUBLIC_URL"),
    Check.WEBHOOK_KEYS: Text("Webhook 密钥", "Keys of the webhook"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `code` and `log_id` are the platform's, where it refused something."""

    check: Check
    result: CheckResult
    cause: Text
    cure: Text = NOTHING_TO_DO
    code: int | None = None
    log_id: str = ""

    @property
    def title(self) -> Text:
        return _TITLES[self.check]


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
    cause, known_cure = _explained(error, _words(error, secret))
    return Finding(
        check, result or _result(error), cause, cure or known_cure, code=error.code, log_id=error.log_id
    )


def _result(error: FeishuError) -> CheckResult:
    passing = (error.http_status or 0) >= 500 if error.code is None else error.info.category in _PASSING
    return CheckResult.UNKNOWN if passing else CheckResult.WRONG


def _explained(error: FeishuError, words: str) -> tuple[Text, Text]:
    if isinstance(error, TransportError):
        return (
            Text(f"无法连接平台：{words}", f"The platform cannot be reached: {words}"),
            Text(
                "检查本机到平台的 DNS、防火墙与代理（HTTPS_PROXY），以及机器人的平台地址",
                "Check this host's DNS, firewall and proxy (HTTPS_PROXY) towards the platform, and the bot's platform",
            ),
        )
    if isinstance(error, MalformedAnswer):
        return (
            Text(
                f"应答不是平台约定的格式：{words}", f"The answer is not what the platform promises: {words}"
            ),
            Text(
                "检查机器人的平台地址；也可能是代理或登录页代为应答",
                "Check the bot's platform; a proxy or a sign-in page may be answering in its place",
            ),
        )
    if error.code in TABLE:
        return error.info.cause, error.info.cure
    return (
        Text(f"{error.info.cause.zh_cn}：{words}", f"{error.info.cause.en_us}: {words}"),
        error.info.cure,
    )


def _words(error: FeishuError, secret: str) -> str:
    words = error.message.replace(secret, "••••") if secret else error.message
    return words if len(words) <= _WORDS else f"{words[:_WORDS]}…"
