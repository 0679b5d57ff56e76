"""What failures mean, and what a person can do about them.

The tables are data: `code_table` for the platform's codes, `reasons` for what has none.
"""

from dataclasses import dataclass
from typing import Final

from feishu.categories import Category
from feishu.code_table import ROWS, UNKNOWN_CAUSE, UNKNOWN_CURE
from feishu.reasons import ROWS as REASONS
from feishu.reasons import Reason
from feishu.text import Text

__all__ = [
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


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """A failure explained. `code` is None where the platform gave none."""

    code: int | None
    category: Category
    cause: Text
    cure: Text


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
