"""Writes the platform's codes into docs/reference/platform-codes.md and its Chinese page:
``python -m feishu_portal.reference.codes_page``.
"""

from pathlib import Path

from feishu.code_table import ROWS
from feishu.text import Text
from feishu_portal.reference.marked_pages import pages, table, write

_HEAD = [Text("错误码", "code"), Text("类别", "category"), Text("原因", "cause"), Text("处理办法", "cure")]


def documents() -> dict[Path, str]:
    """The pages as they should be, by their paths."""
    return pages("reference/platform-codes", "codes", _table)


def _table(language: str) -> str:
    return table(
        [name.in_language(language) for name in _HEAD],
        [
            [
                " ".join(f"`{code}`" for code in codes),
                category.value,
                cause.in_language(language),
                cure.in_language(language),
            ]
            for codes, category, cause, cure in ROWS
        ],
    )


if __name__ == "__main__":
    write(documents())
