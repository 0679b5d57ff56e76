"""Pages of docs/ with a part that is made of the code, between two marks, in both languages."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
LANGUAGES: Final = {".md": "en", ".zh.md": "zh-hans"}
"""Languages, named as Django names them, by what the names of their pages end in."""


def pages(name: str, mark: str, content: Callable[[str], str]) -> dict[Path, str]:
    """Both pages as they should be: ``content(language)`` between ``<!-- mark -->`` and ``<!-- /mark -->``.

    ``name`` is the page's place in docs/, without the ending. Raises ValueError where a page lacks a mark.
    """
    start, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    texts: dict[Path, str] = {}
    for ending, language in LANGUAGES.items():
        path = ROOT / "docs" / f"{name}{ending}"
        text = path.read_text(encoding="utf-8")
        before, after = text[: text.index(start)], text[text.index(end) :]
        texts[path] = before + start + content(language) + after
    return texts


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown. What would be a tag in a cell is shown as it is."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(_line(cells) for cells in lines)


def _line(cells: list[str]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells).replace("<", r"\<") + "|\n"


def write(texts: dict[Path, str]) -> None:
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")


def write_with_django(texts: Callable[[], dict[Path, str]]) -> None:
    """Write what is made of the apps, in a process that has not set Django up."""
    import django  # noqa: PLC0415 -- for the command alone

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")
    django.setup()
    write(texts())
