"""What the platform's error codes mean, and what a person can do about them.

The table itself is data, in `code_table`.
"""

from dataclasses import dataclass
from typing import Final

from feishu.categories import Category
from feishu.code_table import ROWS, UNKNOWN_CAUSE, UNKNOWN_CURE
from feishu.text import Text

__all__ = ["TABLE", "Category", "CodeInfo", "explain"]


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """A code explained. `code` is None where the platform gave none."""

    code: int | None
    category: Category
    cause: Text
    cure: Text


TABLE: Final = {
    code: CodeInfo(code, category, cause, cure) for codes, category, cause, cure in ROWS for code in codes
}


def explain(code: int | None) -> CodeInfo:
    """What a code means; for one that is not in the table, where to look it up."""
    known = TABLE.get(code) if code is not None else None
    return known or CodeInfo(code, Category.BUG, UNKNOWN_CAUSE, UNKNOWN_CURE)
