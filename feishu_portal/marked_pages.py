"""Pages of docs/ with a part that is made of the code, between two marks, in both languages."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
LANGUAGES: Final = {".md": "en", ".zh.md": "zh-hans"}
"""Languages, named as Django names them, by what the names of their pages end in."""


def pages(name: str, mark: str, content: Callable[[str], str]) -> dict[Path, str]:
    """Both pages as they should be: ``content(language)`` between ``<!-- mark -->`` and ``<!-- /mark -->``.

    ``name`` is the page's place in docs/, without the ending.
    """
    place = re.compile(rf"(?<=<!-- {mark} -->\n).*?(?=<!-- /{mark} -->)", re.DOTALL)
    texts: dict[Path, str] = {}
    for ending, language in LANGUAGES.items():
        path = ROOT / "docs" / f"{name}{ending}"
        made = content(language)
        texts[path] = place.sub(lambda _old, made=made: made, path.read_text(encoding="utf-8"))
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
