"""Why a webhook request was refused: a stable code for the caller, the reason and the cure for the operator's log.

A caller that could not prove to be the platform learns nothing: not whether the bot exists, not how it is secured.
"""

import logging
from dataclasses import dataclass
from typing import Final

from bots.webhook.refusals import RefusalWords, name_refusals
from feishu.text import Text

logger = logging.getLogger(__name__)

NOTHING: Final = Text("", "")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way to be refused. ``status`` and ``code`` go to the caller, ``reason`` to the operator, with its words: in the
    log in English, on the bot's page in its language."""

    status: int
    code: str
    reason: str
    cause: Text
    cure: Text = NOTHING


class Refused(Exception):
    """The request is refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def _unauthenticated(reason: str, cause: Text, cure: Text) -> Refusal:
    return Refusal(401, "unauthenticated", reason, cause, cure)


_WHERE_ZH = "开发者后台 → 事件与回调 → 加密策略。"
_WHERE = "Developer console → Events & callbacks → Encryption strategy."

NOT_POST = Refusal(405, "method_not_allowed", "not_post", Text("请求方法不是 POST", "It is no POST"))
NO_WEBHOOK_BOT = _unauthenticated(
    "no_webhook_bot",
    Text(
        "没有以 Webhook 接收事件的此机器人：不存在、已停用，或使用长连接",
        "There is no such bot that gets its events by webhook: it is unknown, disabled, or uses the long connection",
    ),
    Text(
        "请添加或启用机器人，或将其接收方式改为 Webhook；若不再使用 Webhook，请在开发者后台移除请求地址。",
        "Add it, enable it, or change its transport; where it is not to use the webhook, take the request URL out of the "
        "developer console.",
    ),
)
TOO_LARGE = Refusal(
    413,
    "body_too_large",
    "body_too_large",
    Text("请求体过大", "The body is too large"),
    Text(
        "若确为平台所发，请调高 FEISHU_WEBHOOK_MAX_BYTES。",
        "Raise FEISHU_WEBHOOK_MAX_BYTES if it is the platform's.",
    ),
)
TOO_SLOW = Refusal(
    408,
    "body_too_slow",
    "body_too_slow",
    Text("请求体到达过慢", "The body came too slowly"),
    Text(
        "请让前置代理先完整读取请求体再转发。",
        "Let the proxy in front read bodies whole before it passes them on.",
    ),
)
BOT_BUSY = Refusal(
    429,
    "too_many_requests",
    "bot_busy",
    Text("此机器人同时处理的请求过多", "Too many requests of the bot at a time"),
    Text(
        "请调高 FEISHU_WEBHOOK_BOT_REQUESTS，或检查数据库变慢的原因。",
        "Raise FEISHU_WEBHOOK_BOT_REQUESTS, or see what makes the database slow.",
    ),
)
BOT_TOO_FAST = Refusal(
    429,
    "too_many_requests",
    "bot_too_fast",
    Text("此机器人每秒的事件过多", "Too many events of the bot in a second"),
    Text(
        "请调高 FEISHU_WEBHOOK_BOT_RATE，或取消订阅不需要的事件。",
        "Raise FEISHU_WEBHOOK_BOT_RATE, or unsubscribe from events that nobody needs.",
    ),
)
ALL_BUSY = Refusal(
    503,
    "overloaded",
    "all_busy",
    Text("进程同时处理的请求过多", "Too many requests of the process at a time"),
    Text(
        "请调高 FEISHU_WEBHOOK_REQUESTS、增加 Web 进程，或检查数据库。",
        "Raise FEISHU_WEBHOOK_REQUESTS, run more web processes, or see to the database.",
    ),
)
NOT_STORED = Refusal(
    500,
    "not_stored",
    "database_away",
    Text("数据库未及时响应", "The database did not answer in time"),
    Text("平台会重新推送事件。", "The platform pushes events again."),
)
SECRETS_SEALED = _unauthenticated(
    "secrets_sealed",
    Text("机器人的密钥无法解密", "The bot's secrets cannot be opened"),
    Text(
        "请将写入时使用的密钥补回 ENCRYPTION_KEYS。",
        "Put the key the bot's secrets were written with back into ENCRYPTION_KEYS.",
    ),
)
FAILED = Refusal(
    500,
    "internal_error",
    "unexpected_error",
    Text("门户内部错误", "An error of the portal's own"),
    Text("请查看 Web 进程的日志。", "See the log of the web process."),
)
UNPROTECTED = _unauthenticated(
    "no_key_and_no_token",
    Text(
        "机器人既没有 Encrypt Key，也没有 Verification Token",
        "The bot has neither Encrypt Key nor Verification Token",
    ),
    Text(
        f"请为机器人填写 Encrypt Key（推荐）或 Verification Token。{_WHERE_ZH}",
        f"Give the bot its Encrypt Key (better) or Verification Token. {_WHERE}",
    ),
)
UNREADABLE_BODY = _unauthenticated(
    "body_unreadable",
    Text("请求体不是 JSON 对象", "The body is no JSON object"),
    Text(
        "平台只发送 JSON：若请求来自平台，则途中有设备改写或压缩了请求体。请让前置的代理或网关原样转发。",
        "The platform sends JSON: where it sent this, something on the way rewrites or compresses the body. Let the proxy or "
        "gateway in front pass it on byte for byte.",
    ),
)
PLAIN_BODY = _unauthenticated(
    "plain_body",
    Text(
        "请求体未加密，而机器人设有 Encrypt Key",
        "The body was not encrypted, though the bot has an Encrypt Key",
    ),
    Text(f"请在开发者后台设置相同的 Encrypt Key。{_WHERE_ZH}", f"Set the same Encrypt Key there. {_WHERE}"),
)
ENCRYPTED_BODY = _unauthenticated(
    "encrypted_body",
    Text("请求体已加密，而机器人没有 Encrypt Key", "The body was encrypted, but the bot has no Encrypt Key"),
    Text(f"请为机器人填写 Encrypt Key。{_WHERE_ZH}", f"Give the bot its Encrypt Key. {_WHERE}"),
)
BAD_SIGNATURE = _unauthenticated(
    "bad_signature",
    Text(
        "签名与机器人的密钥不符：Encrypt Key 已更换，或请求并非来自平台",
        "The signature does not fit the bot's secrets: the Encrypt Key was changed, or it is not the platform's request",
    ),
    Text(
        f"请核对机器人的 Encrypt Key 与 Verification Token；若平台上已更换，请将新值填入“新的”对应项。{_WHERE_ZH}",
        "Compare the bot's Encrypt Key and Verification Token; where one was changed, enter it as the next one. "
        f"{_WHERE}",
    ),
)
REWRITTEN_BODY = _unauthenticated(
    "body_rewritten",
    Text(
        "请求在途中被改写：能够解密，但签名不符",
        "The request was rewritten on its way: it opens, but its signature does not fit",
    ),
    Text(
        "能够解密说明 Encrypt Key 正确：平台与门户之间有设备改写了请求体或 X-Lark-* 请求头。请让前置的代理或网关原样转发。",
        "The body could be decrypted, so the Encrypt Key is right: something between the platform and the portal changes the "
        "body or the X-Lark-* headers. Let the proxy or gateway in front pass both on byte for byte.",
    ),
)
NO_SIGNATURE = _unauthenticated(
    "signature_missing",
    Text("请求没有签名", "The request has no signature"),
    Text(
        "能够解密说明 Encrypt Key 正确，但缺少 X-Lark-Signature：请让前置的代理或网关转发 X-Lark-* 请求头。",
        "The body could be decrypted, so the Encrypt Key is right, but it came without X-Lark-Signature: let the proxy or "
        "gateway in front pass the X-Lark-* headers on.",
    ),
)
OLD_SIGNATURE = _unauthenticated(
    "signed_by_token",
    Text(
        "以 Verification Token 签名，如旧版卡片回调；设有 Encrypt Key 时强度不足",
        "The request is signed with the Verification Token, as the old card callback is; with an Encrypt Key that is too "
        "weak",
    ),
    Text(
        "请改用回调 card.action.trigger（开发者后台 → 事件与回调 → 回调配置）。",
        "Use the callback card.action.trigger (developer console → Events & callbacks → Callback configuration).",
    ),
)
BAD_TIMESTAMP = _unauthenticated(
    "bad_timestamp",
    Text("X-Lark-Request-Timestamp 不是时间", "X-Lark-Request-Timestamp is no time"),
    Text(
        "前置设备改写了请求头，请让其原样转发。",
        "Something in front changes the headers: let it pass them on as they are.",
    ),
)
TOO_OLD = _unauthenticated(
    "timestamp_too_old",
    Text(
        "签名时间过早：事件超过数小时，回调超过数分钟",
        "The request was signed hours ago, a callback minutes ago",
    ),
    Text(
        "请核对门户的时钟；若时钟无误，则有人在重放录下的请求。",
        "Compare the portal's clock with the real time, else somebody sends a recorded request again.",
    ),
)
WRONG_APP = _unauthenticated(
    "another_app",
    Text("请求属于另一个应用", "The request names another app"),
    Text(
        "请在该应用的开发者后台更正请求地址。",
        "In the developer console of that app, correct the request URL.",
    ),
)
WRONG_TOKEN = _unauthenticated(
    "wrong_verification_token",
    Text(
        "Verification Token 不符：已在平台上重置，或请求并非来自平台",
        "The Verification Token is another one: it was reset on the platform, or it is not the platform's request",
    ),
    Text(
        f"请核对机器人的 Verification Token；若平台上已重置，请将新值填入“新的 Verification Token”。{_WHERE_ZH}",
        f"Compare the bot's Verification Token; where it was reset, enter it as the next one. {_WHERE}",
    ),
)

ALL: Final = (
    NOT_POST, NO_WEBHOOK_BOT, TOO_LARGE, TOO_SLOW, BOT_BUSY, BOT_TOO_FAST, ALL_BUSY, NOT_STORED, SECRETS_SEALED, FAILED,
    UNPROTECTED, UNREADABLE_BODY, PLAIN_BODY, ENCRYPTED_BODY, BAD_SIGNATURE, REWRITTEN_BODY, NO_SIGNATURE, OLD_SIGNATURE, BAD_TIMESTAMP,
    TOO_OLD, WRONG_APP, WRONG_TOKEN,
)  # fmt: skip
name_refusals({refusal.reason: RefusalWords(refusal.cause, refusal.cure) for refusal in ALL})


def log_refusal(refusal: Refusal, *, app_id: str, requests: int) -> None:
    """``requests`` of the bot that were refused for this reason since the last line."""
    logger.warning(
        "webhook_refused",
        extra={
            "app_id": app_id,
            "reason": refusal.reason,
            "status": refusal.status,
            "requests": requests,
            "cure": refusal.cure.en_us,
        },
    )
