"""What failures mean, and what a person can do about them.

The tables are data: `code_table` for the platform's codes, `reasons` for what has none.
"""

import re
from dataclasses import dataclass, replace
from typing import Final, Self

from feishu.categories import Category
from feishu.code_table import ROWS, UNKNOWN_CAUSE, UNKNOWN_CURE
from feishu.reasons import ROWS as REASONS
from feishu.reasons import Reason
from feishu.text import Text

__all__ = [
    "ABOUT_ID",
    "REJECTED_TENANT_TOKEN",
    "REJECTED_USER_TOKEN",
    "TABLE",
    "WRONG_KIND",
    "Category",
    "CodeInfo",
    "explain",
]

REJECTED_TENANT_TOKEN: Final = frozenset({99991663, 99991664, 20013, 20014})
"""The app's token was rejected before the API ran, or the API takes none of an app (page "General error codes")."""
REJECTED_USER_TOKEN: Final = frozenset({99991668, 99991677, 20005, 20006})
"""The user's token was rejected before the API ran, or the API takes none of a user."""
WRONG_KIND: Final = "not support"
"""Part of what the platform says, under the same codes, where an API takes no token of this kind."""


TRY_AGAIN: Final = Text("请稍后重试", "Try again a little later")
TRY_LESS_OFTEN: Final = Text(
    "请稍后重试；若经常出现，请降低调用频率", "Try again a little later; if it happens often, call less often"
)
# The tables speak for work in the background, which is tried again.
_PROMISE_ZH: Final = re.compile(
    r"系统会[^。；，]{0,20}重[试建][^。；，]{0,20}(?:，无需处理|；若经常出现，请降低调用频率)?"
)
_PROMISE_EN: Final = re.compile(
    r"(?:Nothing to do: )?[Ii]t is (?:retried|connected again)[^.;]{0,40}(?:; if it happens often, call less often)?"
)


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """A failure explained. `code` is None where the platform gave none."""

    code: int | None
    category: Category
    cause: Text
    cure: Text

    @property
    def for_one_attempt(self) -> Self:
        """The same where nobody tries again by itself: without the promise that somebody does."""
        if self.category not in {Category.RETRY, Category.RATE_LIMIT}:
            return self
        zh = _PROMISE_ZH.sub("", self.cure.zh_cn).strip("。；，")
        en = _PROMISE_EN.sub("", self.cure.en_us).strip(" .;,:")
        again = TRY_AGAIN if self.category is Category.RETRY else TRY_LESS_OFTEN
        return replace(
            self,
            cure=Text(
                f"{zh}。{again.zh_cn}" if zh else again.zh_cn, f"{en}. {again.en_us}" if en else again.en_us
            ),
        )


PER_CHAT: Final = frozenset({230020})
"""A rate limit of one person, chat or message, which stops nothing else (page "Send message")."""

ABOUT_ID: Final = frozenset({40001, 41012, 41050, *range(99992351, 99992382)})
"""An id that the app may not name, or that names nobody, in a question about people: another id may be fine."""

TABLE: Final = {
    code: CodeInfo(code, category, cause, cure) for codes, category, cause, cure in ROWS for code in codes
}


def explain(code: int | None, reason: str = "") -> CodeInfo:
    """What a code means; for one that is not in the table, where to look it up.

    `reason`: the name of a Reason, which speaks where there is no code.
    """
    if code is None and reason in set(Reason):
        return CodeInfo(None, *REASONS[Reason(reason)])
    known = TABLE.get(code) if code is not None else None
    return known or CodeInfo(code, Category.BUG, UNKNOWN_CAUSE, UNKNOWN_CURE)
