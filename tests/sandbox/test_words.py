"""Every word that a page or a script asks for exists, and every word there is has its place."""

import re
from pathlib import Path

from sandbox import pages
from sandbox.pages.words import WORDS

HERE = Path(pages.__file__).parent


def text_of(folder: str, pattern: str) -> str:
    return "\n".join(path.read_text() for path in sorted((HERE / folder).glob(pattern)))


def test_templates_ask_for_words_that_exist() -> None:
    asked = set(re.findall(r"""\bt\('(\w+)'\)""", text_of("templates", "*.html")))
    assert asked
    assert asked <= set(WORDS)


def test_scripts_ask_for_words_that_exist_and_each_word_is_there_once() -> None:
    scripts = text_of("static", "*.js")
    asked = set(re.findall(r"""\bt\("(\w+)\"""", scripts))
    words = re.findall(r"^  (\w+): \[", (HERE / "static" / "words.js").read_text(), re.MULTILINE)
    assert asked
    assert asked <= set(words)
    assert len(set(words)) == len(words)
