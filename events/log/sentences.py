"""What the portal itself says of events and handler runs that went wrong: stored in English, shown in either language."""

from typing import Final

from django.conf import settings
from django.utils.translation import get_language

from events.subscriptions.http import failures
from events.subscriptions.http.failures import Sentence

NOT_DONE: Final = Sentence("处理器在 {seconds} 秒内没有完成。", "The handler was not done after {seconds} s.")
NOT_INSTALLED: Final = Sentence(
    "一天内没有任何 worker 安装该处理器。", "No worker had this handler installed for a day."
)
NO_HANDLER_FOR_CLICK: Final = Sentence(
    "没有启用的处理器应答 action 为“{action}”的点击。",
    'No handler is on that answers a click with the action "{action}".',
)
NO_HANDLER: Final = Sentence(
    "没有启用的处理器应答类型为 {type} 的事件。", "No handler is on that answers an event of type {type}."
)
HANDLER_HANGS: Final = Sentence(
    "该处理器先前的执行仍卡在此 worker 中，未再启动。",
    "Earlier runs of this handler still hang in this worker; it was not started once more.",
)
HANDLER_STOPPED: Final = Sentence(
    "处理器运行时门户被停止。", "The portal was stopped while the handler was running."
)
NOT_STORABLE: Final = Sentence(
    "{kind}：处理器的错误信息无法保存。", "{kind}: the error of the handler could not be stored."
)
LOST_CLICK: Final = Sentence(
    "接收此次点击的进程在处理器开始之前已结束。",
    "The process that took this click ended before its handler began.",
)
CARD_NOT_UPDATED: Final = Sentence("卡片未能更新：{error}", "The card could not be updated: {error}")

# Those of ``feishu.errors.EnvelopeError``, which knows no Django.
_COMPRESSED: Final = Sentence(
    "内容经过压缩，解压后不是事件。", "the payload is compressed and does not decompress to an event"
)
_NO_EVENT: Final = Sentence("内容不是事件：{error}", "the payload is not an event: {error}")
_NO_ENVELOPE: Final = Sentence(
    "内容既没有 2.0 版的 header，也没有 1.0 版的 uuid。",
    "the payload has neither a schema 2.0 header nor a schema 1.0 uuid",
)
_NO_TYPE: Final = Sentence("header 中没有 event_type。", "the header names no event_type")
_NO_OLD_TYPE: Final = Sentence("1.0 版事件没有 type：{error}", "the schema 1.0 event names no type: {error}")
_TOO_LONG: Final = Sentence(
    "header 中某个字段过长，或含有 NUL 字符。",
    "A field of the header is longer than its column, or holds a NUL.",
)

SENTENCES: Final = (
    NOT_DONE, NOT_INSTALLED, NO_HANDLER_FOR_CLICK, NO_HANDLER, HANDLER_HANGS, HANDLER_STOPPED, NOT_STORABLE, LOST_CLICK,
    CARD_NOT_UPDATED, _COMPRESSED, _NO_EVENT, _NO_ENVELOPE, _NO_TYPE, _NO_OLD_TYPE,
    _TOO_LONG,
)  # fmt: skip


def shown(stored: str) -> str:
    """A stored error of an event, a run or a delivery in the active language; one that is not ours, such as a handler's own
    words, as it is."""
    if (get_language() or settings.LANGUAGE_CODE).startswith("zh"):
        for sentence in SENTENCES:
            if (values := sentence.values_in(stored)) is not None:
                return sentence.zh_cn.format(**values)
    return failures.shown(stored)
