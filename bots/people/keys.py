"""By which texts a person is found: the beginning of a name, of one of its words, and of each of its Chinese characters."""

import unicodedata
from itertools import islice
from typing import Final

MAX_KEY: Final = 60
"""Characters; a column is as wide."""
MAX_KEYS: Final = 16
"""Of one person."""
_CJK: Final = "\u2e80"
"""From here on a character is a word of its own: who looks for 芳 means 王芳 as well."""


def folded(text: str) -> str:
    """As names are compared: without regard to case, width and number of blanks."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(plain.replace("\x00", "").split())


def search_keys(*texts: str) -> list[str]:
    """Each text (a name, an e-mail address) from every place on at which somebody may begin to type it."""
    keys: dict[str, None] = {}
    for text in texts:
        plain = folded(text)
        for place in islice(_beginnings(plain), MAX_KEYS):
            keys.setdefault(plain[place : place + MAX_KEY].rstrip())
    return list(keys)[:MAX_KEYS]


def _beginnings(text: str) -> list[int]:
    return [
        place
        for place, character in enumerate(text)
        if character.isalnum() and (place == 0 or character >= _CJK or not text[place - 1].isalnum())
    ]
