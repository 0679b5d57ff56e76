"""The portal's own answers to callbacks, and how an answer is put into the reply."""

import json
import logging
from typing import Final

from core.database.errors import described
from feishu.callbacks import CLICK, OLD_CARD_CALLBACK, PREVIEW, PROFILE
from feishu.cards import Json, callback_response, toast
from feishu.text import Text

logger = logging.getLogger(__name__)

NOTHING: Final[Json] = {}
PROCESSING: Final = callback_response(toast=toast("info", Text("处理中，请稍候…", "Working on it…")))
FAILED: Final = callback_response(
    toast=toast("error", Text("处理失败，请稍后再试。", "That did not work. Please try again later."))
)
CLICKED_BEFORE: Final = callback_response(
    toast=toast(
        "info", Text("已经点击过了，无需重复操作。", "This was clicked already. There is nothing else to do.")
    )
)
UNHANDLED: Final = callback_response(
    toast=toast(
        "warning",
        Text(
            "该操作暂无处理器，请联系管理员。", "Nothing handles this yet. Please contact an administrator."
        ),
    )
)
_TOASTS: Final = (PROCESSING, FAILED, CLICKED_BEFORE, UNHANDLED)


def encoded(answer: Json, event_type: str) -> bytes:
    """The JSON that answers a callback of this type; the empty answer where it cannot show this one.

    The old card callback knows neither toasts nor cards of today, and only a click shows a toast (pages "Handle card
    callbacks" and "Pull link preview data"). What JSON cannot say, such as a moment or a Decimal, is an error of the handler.
    """
    is_unfit = event_type == OLD_CARD_CALLBACK or (event_type != CLICK and answer in _TOASTS)
    if event_type in {PREVIEW, PROFILE}:
        answer = {name: part for name, part in answer.items() if name != "toast"}
    try:
        return _json(NOTHING if is_unfit else answer)
    except (TypeError, ValueError, RecursionError) as error:
        logger.error("callback_answer_not_json", extra=described(error))  # noqa: TRY400 -- not where it was made
        return _json(FAILED if event_type == CLICK else NOTHING)


def _json(answer: Json) -> bytes:
    """Half of a surrogate pair, which no bytes can hold, becomes a question mark."""
    text = json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="replace")
