"""What a live page shows, whichever way its messages reach it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Final

from core.console.live.changes import ANYTHING, Changes
from core.console.live.viewers import Viewer

MAX_HANDSHAKE: Final = 256 * 1024
"""Characters of a handshake."""
UNREADABLE: Final = (ValueError, OverflowError, KeyError, TypeError, AttributeError, RecursionError)
"""What ``start`` may raise for a handshake that is not in its shape."""


class Feed(ABC):
    """The rows of one open page: it starts with what the page shows, and then has the messages for what is different.

    Messages are JSON objects with a ``type`` other than ``alive``. A row that the viewer may not see leaves no trace in
    them, not even an empty message.
    """

    topics: ClassVar[tuple[str, ...]]
    """The topics of ``changed()`` that it reads rows of."""

    @abstractmethod
    def start(self, handshake: Any) -> None:
        """``handshake`` says what the page shows, in a shape of the feed's own. Raises one of UNREADABLE."""

    @abstractmethod
    def read(self, viewer: Viewer, changes: Changes) -> Iterable[dict[str, Any]]:
        """The messages for the page. Runs in a thread, in the language of the page, never twice at a time."""

    def everything(self) -> Changes:
        """For a read that no notification has asked for."""
        changes = Changes()
        for topic in self.topics:
            changes.add(topic, ANYTHING)
        return changes
