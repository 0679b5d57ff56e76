"""How many may be at something at once, in one process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """Counts who is inside, by name. For one event loop."""

    def __init__(self) -> None:
        self._inside: Counter[str] = Counter()

    @contextmanager
    def place(self, name: str, *, limit: int, full: Exception) -> Iterator[None]:
        """A place while the block runs; raises ``full`` at once when ``limit`` are taken, for waiting would only
        move the queue to where nobody sees it."""
        if self._inside[name] >= limit:
            raise full
        self._inside[name] += 1
        try:
            yield
        finally:
            self._inside[name] -= 1
            if not self._inside[name]:
                del self._inside[name]
