"""What can be examined without the platform: secrets, the portal's address, and what only a person can look up."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from bots.connections.advice import clock_differs
from bots.doctor.findings import Check, Finding
from bots.enums import CheckResult
from bots.models import Bot
from core.vault.fields import encrypted_field
from core.vault.keyring import SealedValueError
from feishu.codes import explain
from feishu.platform_clock import TOLERANCE, platform_clock
from feishu.proxies import Unusable, unusable_variables
from feishu.reasons import Reason
from feishu.text import Text

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_SEALED: Final = explain(None, Reason.SEALED)


def app_secret(bot: Bot) -> Finding:
    try:
        secret, _proxy = bot.app_secret, bot.proxy_url
    except SealedValueError:
        return Finding(Check.APP_SECRET, CheckResult.WRONG, _SEALED.cause, _SEALED.cure)
    if not secret:
        return Finding(
            Check.APP_SECRET,
            CheckResult.WRONG,
            Text("没有保存 App Secret", "There is none"),
            Text("在控制台填写，或运行 manage.py addbot", "Enter it in the console, or run manage.py addbot"),
        )
    return Finding(Check.APP_SECRET, CheckResult.OK, Text("可以解密", "Can be decrypted"))


_UNUSABLE: Final = {
    Unusable.SOCKS: Text(
        "指定了 SOCKS 代理，不受支持，已忽略", "names a SOCKS proxy, which is not supported and ignored"
    ),
    Unusable.TLS: Text(
        "指定了以 TLS 连接的代理，不受支持，已忽略",
        "names a proxy spoken to in TLS, which is not supported and ignored",
    ),
    Unusable.MALFORMED: Text("不是可用的代理地址，已忽略", "is not the address of a proxy, and ignored"),
}


def proxy_variables(bot: Bot) -> Iterator[Finding]:
    """Variables of this process that name a proxy which cannot be used; a bot with a proxy of its own does not need them."""
    if encrypted_field(Bot, "proxy_url").is_set(bot):
        return
    found = [(variable.name, _UNUSABLE[variable.cause]) for variable in unusable_variables()]
    if found:
        yield Finding(
            Check.PROXY_VARIABLES,
            CheckResult.WARNING,
            Text(
                "；".join(f"{name} {words.zh_cn}" for name, words in found),
                "; ".join(f"{name} {words.en_us}" for name, words in found),
            ),
            Text(
                "改为 http://主机:端口（HTTP CONNECT 代理），或取消该变量",
                "Set it to http://host:port, an HTTP CONNECT proxy, or unset it",
            ),
        )


def webhook_keys(bot: Bot) -> Iterator[Finding]:
    """With neither key, anybody who knows the address could send events."""
    if not bot.uses_webhook:
        return
    try:
        encrypt_key, verification_token = bot.encrypt_key, bot.verification_token
    except SealedValueError:
        yield Finding(Check.WEBHOOK_KEYS, CheckResult.WRONG, _SEALED.cause, _SEALED.cure)
        return
    if encrypt_key:
        words = Text(
            "已设置 Encrypt Key：请求会验签并解密", "Encrypt Key set: requests are signed and encrypted"
        )
        yield Finding(Check.WEBHOOK_KEYS, CheckResult.OK, words)
        return
    yield Finding(
        Check.WEBHOOK_KEYS,
        CheckResult.WARNING if verification_token else CheckResult.WRONG,
        Text("没有 Encrypt Key：请求没有签名", "There is no Encrypt Key: requests carry no signature")
        if verification_token
        else Text(
            "没有 Encrypt Key，也没有 Verification Token：无法分辨请求是否来自平台",
            "There is neither Encrypt Key nor Verification Token: nothing proves that a request is the platform's",
        ),
        Text(
            "在开发者后台“事件与回调”的加密策略中设置，并填入机器人设置",
            "Set it under “Events & Callbacks”, encryption strategy, and enter it in the bot's settings",
        ),
    )


def clock() -> Finding:
    """The process's clock against the dates of the answers that the examination has brought."""
    offset = platform_clock.offset()
    if offset is None:
        words = Text(
            "平台的应答没有给出可比较的时间", "The platform's answers tell no time to compare it with"
        )
        return Finding(Check.CLOCK, CheckResult.UNKNOWN, words)
    if abs(offset) <= TOLERANCE:
        words = Text("与平台一致", "It agrees with the platform's")
        return Finding(Check.CLOCK, CheckResult.OK, words)
    info = clock_differs(offset)
    return Finding(Check.CLOCK, CheckResult.WARNING, info.cause, info.cure)


def public_url(bot: Bot) -> Finding:
    """The redirect URL and the webhook's address are made of it; authorization by device code needs neither."""
    address = settings.PUBLIC_URL
    if not address and not bot.uses_webhook:
        words = Text(
            "没有设置：用户以设备码授权，在飞书的页面上确认",
            "Not set: people authorize by device code, on a page of the platform's",
        )
        return Finding(Check.PUBLIC_URL, CheckResult.OK, words)
    if not address:
        return Finding(
            Check.PUBLIC_URL,
            CheckResult.WRONG,
            Text(
                "没有设置：平台没有可以推送事件的地址",
                "Not set: the platform has no address to send events to",
            ),
            Text(
                "设为浏览器访问门户的地址并重启门户",
                "Set it to the address at which browsers reach the portal, and restart the portal",
            ),
        )
    parts = urlsplit(address)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        return Finding(
            Check.PUBLIC_URL,
            CheckResult.WARNING,
            Text(f"{address} 未加密：授权码会明文传输", f"{address} is plain http: codes travel readable"),
            Text(
                "在门户前设置 TLS 代理并改用 https://",
                "Put a TLS proxy in front of the portal and use https://",
            ),
        )
    return Finding(Check.PUBLIC_URL, CheckResult.OK, Text(address, address))
