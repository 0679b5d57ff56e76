"""How many may be at something at once, in one process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """Counts who is inside, by name. For one event loop."""

    def __init__(self) -> None:
        self._inside: Counter[str] = Counter()

    def refuse_if_full(self, name: str, *, limit: int, full: Exception) -> None:
        """Raises ``full`` when ``limit`` places are taken; takes none. For an answer that can be refused only before it
        begins, and takes its place when it does."""
        if self._inside[name] >= limit:
            raise full

    @contextmanager
    def place(self, name: str, *, limit: int, full: Exception) -> Iterator[None]:
        """A place while the block runs; raises ``full`` at once when ``limit`` are taken, for waiting would only
        move the queue to where nobody sees it."""
        self.refuse_if_full(name, limit=limit, full=full)
        self._inside[name] += 1
        try:
            yield
        finally:
            self._inside[name] -= 1
            if not self._inside[name]:
                del self._inside[name]
