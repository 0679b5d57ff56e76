"""What the reasons are called for which requests to webhooks are refused: the app that refuses them brings the words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from feishu.text import Text


@dataclass(frozen=True, slots=True)
class RefusalWords:
    """Why a request was refused, and what to do about it where there is anything."""

    cause: Text
    cure: Text


_NOTHING: Final = Text("", "")
_words: dict[str, RefusalWords] = {}


def name_refusals(words: Mapping[str, RefusalWords]) -> None:
    """Add the words for these reasons; to be called from ``AppConfig.ready``."""
    _words.update(words)


def words_for(reason: str) -> RefusalWords:
    """The words for a stored reason; for one that nobody has named, the reason itself."""
    return _words.get(reason) or RefusalWords(Text(reason, reason), _NOTHING)
