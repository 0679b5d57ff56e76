"""Why a push failed, in words. They are stored in English, so that equal failures are equal whoever reads them, and shown in
either language: the sentence is found again by what stands around its values."""

import logging
import re
from dataclasses import dataclass
from functools import cached_property
from ssl import SSLCertVerificationError, SSLError
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import get_language

from feishu.diagnosis import causes_of, reason_of
from feishu.proxies import environment_proxy
from feishu.reasons import Reason

logger = logging.getLogger(__name__)

SETTING: Final = "FEISHU_DELIVERY_NETWORKS"
_HOLE: Final = re.compile(r"\{\w{1,20}\}")


@dataclass(frozen=True)
class Sentence:
    """One sentence in both languages, with the same ``{holes}`` for values."""

    zh_cn: str
    en_us: str

    def __call__(self, **values: object) -> str:
        """As it is stored."""
        return self.en_us.format(**values)

    @cached_property
    def _parts(self) -> tuple[list[str], list[str]]:
        """What stands around the holes, and their names."""
        return _HOLE.split(self.en_us), [hole[1:-1] for hole in _HOLE.findall(self.en_us)]

    def values_in(self, stored: str) -> dict[str, str] | None:
        """The values of a stored sentence; None where it is another one. Reads the text once."""
        (first, *parts), names = self._parts
        if not stored.startswith(first):
            return None
        values, at = {}, len(first)
        for position, (name, part) in enumerate(zip(names, parts, strict=True)):
            is_last = position == len(names) - 1
            end = len(stored) - len(part) if is_last else stored.find(part, at)
            if end < at or not stored.endswith(part, end, end + len(part)):
                return None
            values[name] = stored[at:end]
            at = end + len(part)
        return values if at == len(stored) else None


NO_ANSWER: Final = Sentence("{seconds} 秒内没有应答。", "No answer within {seconds} s.")
NOT_HTTP: Final = Sentence("地址不是 HTTP 地址。", "The address is not one of HTTP.")
FORBIDDEN: Final = Sentence(
    "找不到该主机，或其位于不允许连接的网络；具体见日志。若确为本公司的网络，请管理员将其加入 {setting}。",
    "The host is not found, or is in a network that may not be connected to; the log says which. If the network is the "
    "company's own, an administrator adds it to {setting}.",
)
"""One for both: else whoever may enter a receiver learns which inner host names there are."""
REDIRECTED: Final = Sentence(
    "HTTP {status}：重定向到 {target}。不会跟随重定向：请填写最终地址。",
    "HTTP {status}: redirected to {target}. Redirects are not followed: enter the final address.",
)
UNTRUSTED: Final = Sentence(
    "接收方的证书不受信任（{problem}）。若由公司自己的 CA 签发，请为所有进程设置 FEISHU_CA_FILE 指向其证书文件。",
    "The receiver's certificate is not trusted ({problem}). If the company's own authority has signed it, name its file in "
    "FEISHU_CA_FILE for all processes.",
)
OUTDATED: Final = Sentence(
    "接收方的证书不在有效期内（{problem}）。请在接收方更新证书，并核对本机时钟。",
    "The receiver's certificate is not valid now ({problem}). Renew it there, and compare this host's clock.",
)
ANOTHER_NAME: Final = Sentence(
    "接收方的证书属于其他主机（{problem}）。请填写证书所含的主机名，或在接收方更换证书。",
    "The receiver's certificate is for another host ({problem}). Enter a host that it names, or give the receiver another one.",
)
NO_TLS: Final = Sentence(
    "与接收方的 TLS 握手失败（{problem}）。若其仅支持 HTTP，请以 http:// 填写地址。",
    "The TLS handshake with the receiver failed ({problem}). Where it speaks plain HTTP alone, enter its address with http://.",
)
PROXY_REFUSED: Final = Sentence(
    "HTTPS_PROXY 的代理没有放行（{said}）。无需经过代理的主机请列入 NO_PROXY。",
    "The proxy of HTTPS_PROXY did not let it through ({said}). Hosts that are reached without it are listed in NO_PROXY.",
)
PROXY_AWAY: Final = Sentence(
    "无法经 HTTPS_PROXY 的代理连接（{said}）。请检查代理；无需经过代理的主机请列入 NO_PROXY。",
    "It was not reached through the proxy of HTTPS_PROXY ({said}). Look at the proxy; hosts that are reached without it are "
    "listed in NO_PROXY.",
)
UNREACHABLE: Final = Sentence("无法连接到接收方（{said}）。", "The receiver cannot be reached ({said}).")
BROKEN: Final = Sentence("应答之前连接已断开（{said}）。", "The line broke before an answer came ({said}).")
PASSIVE: Final = Sentence("门户处于被动模式，不发送任何请求。", "The portal is passive and sends nothing.")
NOT_BUILT: Final = Sentence("无法生成请求（{said}）。", "The request cannot be made ({said}).")
FAULT: Final = Sentence(
    "门户内部错误（{said}），详情见日志。", "A fault of the portal itself ({said}); the log has it."
)
NOT_WHOLE: Final = Sentence(
    "HTTP {status}：应答没有读完：超过 {most} KB，或连接中断。",
    "HTTP {status}: the answer was not read to its end; it is longer than {most} KB, or the line broke.",
)
NOT_JSON: Final = Sentence(
    "HTTP {status}：应答不是 JSON 对象。", "HTTP {status}: the answer is not a JSON object."
)
BAD_SHAPE: Final = Sentence(
    "HTTP {status}：应答不符合回调响应的格式（{problem}）。",
    "HTTP {status}: the answer does not have the shape of a callback response ({problem}).",
)
CARD_TOO_LARGE: Final = Sentence(
    "HTTP {status}：应答中的卡片有 {size} 字节，平台最多接受 {most} 字节。",
    "HTTP {status}: the card in the answer has {size} bytes; the platform takes {most}.",
)
PAUSED: Final = Sentence(
    "订阅已暂停，没有询问接收方。", "The subscription is paused: its receiver was not asked."
)
KEEPS_FAILING: Final = Sentence(
    "接收方持续失败，暂时不再询问。", "The receiver keeps failing and is not asked for the time being."
)
UNANSWERED: Final = Sentence(
    "负责应答的接收方没有给出可展示的应答，原因见该投递。",
    "The receiver that is asked to answer gave no answer that could be shown; its delivery says why.",
)
STOPPED: Final = Sentence(
    "门户在等待接收方应答时被停止。", "The portal was stopped while it waited for the receiver."
)
WORKER_LOST: Final = Sentence(
    "每次尝试都随其工作进程一起中断，没有结果。",
    "Every attempt ended with its worker: none came back to say how.",
)
EXPIRED: Final = Sentence("接收方未在期限内取走。", "Nobody took it in time.")
SET_ASIDE: Final = Sentence(
    "备份时尚未完成，此后可能已经完成。如确认没有完成，请重新处理。",
    "It was waiting when the backup was made, and may have been done since. Retry it where it was not.",
)
"""Of handler runs and events as well."""

SENTENCES: Final = (
    NO_ANSWER, NOT_HTTP, FORBIDDEN, REDIRECTED, UNTRUSTED, OUTDATED, ANOTHER_NAME, NO_TLS, PROXY_REFUSED, PROXY_AWAY,
    UNREACHABLE, BROKEN, PASSIVE, NOT_BUILT, FAULT, NOT_WHOLE, NOT_JSON, BAD_SHAPE, CARD_TOO_LARGE, PAUSED, KEEPS_FAILING,
    UNANSWERED, STOPPED, WORKER_LOST, EXPIRED, SET_ASIDE,
)  # fmt: skip

_BY_REASON: Final = {
    Reason.PASSIVE: PASSIVE,
    Reason.PROXY_REFUSED: PROXY_REFUSED,
    Reason.PROXY_FORBIDS: PROXY_REFUSED,
    Reason.PROXY_FAILED: PROXY_REFUSED,
    Reason.PROXY_UNREACHABLE: PROXY_AWAY,
    Reason.PROXY_TIMEOUT: PROXY_AWAY,
    Reason.UNREACHABLE: UNREACHABLE,
    Reason.TIMEOUT: UNREACHABLE,
    Reason.BROKEN: BROKEN,
    Reason.CUT: BROKEN,
}
# OpenSSL's X509_V_ERR_*: not yet valid, expired; another host name, another address.
_NOT_NOW: Final = frozenset({9, 10})
_OTHER_HOST: Final = frozenset({62, 64})


def in_chinese(stored: str) -> str:
    """A stored error in Chinese; one that is not ours, such as the receiver's own words, as it is."""
    for sentence in SENTENCES:
        if (values := sentence.values_in(stored)) is not None:
            return sentence.zh_cn.format(**values)
    return stored


def shown(stored: str) -> str:
    """A stored error in the active language."""
    language = get_language() or settings.LANGUAGE_CODE
    return in_chinese(stored) if language.startswith("zh") else stored


def why(error: Exception, url: str) -> str:
    """What happened to a request to ``url``, and where it is known what to do about it, as it is stored."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    is_proxied = bool(environment_proxy(url))
    reason = reason_of(error, proxied=is_proxied)
    if reason is Reason.DNS:
        logger.warning("receiver_not_found", extra={"host": urlsplit(url).hostname, "error": str(error)})
    if reason in {Reason.DNS, Reason.FORBIDDEN_ADDRESS}:
        return FORBIDDEN(setting=SETTING)
    if reason is Reason.TLS:
        return _tls(error)
    if is_proxied and reason is Reason.BROKEN:
        return PROXY_AWAY(said=said)
    return _BY_REASON.get(reason, FAULT)(said=said)


def _tls(error: Exception) -> str:
    """In OpenSSL's words, without its file names and numbers."""
    for cause in causes_of(error):
        if isinstance(cause, SSLCertVerificationError):
            problem = cause.verify_message
            if cause.verify_code in _NOT_NOW:
                return OUTDATED(problem=problem)
            return (ANOTHER_NAME if cause.verify_code in _OTHER_HOST else UNTRUSTED)(problem=problem)
    reason = next((cause.reason for cause in causes_of(error) if isinstance(cause, SSLError)), "")
    return NO_TLS(problem=(reason or "unknown").lower().replace("_", " "))
