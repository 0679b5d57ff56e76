"""What a page follows, whichever way it is told."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Final

from core.console.live.changes import ANYTHING, Changes
from core.console.live.viewers import Viewer

MAX_HELLO: Final = 256 * 1024
"""Characters in which a page can say what it shows."""
UNREADABLE: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What ``begin`` may raise at a hello that it cannot make out."""


class Feed(ABC):
    """One page's view of rows: it begins with what the page shows already, and tells what is different.

    Messages are JSON objects with a ``type`` other than ``alive``. What the viewer may not see must leave no trace in
    them, not even an empty one.
    """

    topics: ClassVar[tuple[str, ...]]
    """What of ``changed(topic, …)`` concerns it."""

    @abstractmethod
    def begin(self, hello: Any) -> None:
        """Note what the page says that it shows; raises one of UNREADABLE."""

    @abstractmethod
    def look(self, viewer: Viewer, changes: Changes) -> Iterable[dict[str, Any]]:
        """What to tell the page. Runs in a thread, in the language of the page, never twice at a time."""

    def everything(self) -> Changes:
        """For a look that no hint has asked for."""
        changes = Changes()
        for topic in self.topics:
            changes.add(topic, ANYTHING)
        return changes
