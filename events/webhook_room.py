"""How many webhook requests may be under way at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from events.webhook_refusals import Refusal, Refused


class Room:
    """Counts who is inside, by name."""

    def __init__(self) -> None:
        self._inside: Counter[str] = Counter()

    @contextmanager
    def place(self, name: str, *, limit: int, refusal: Refusal) -> Iterator[None]:
        """A place while the block runs; raises Refused at once when ``limit`` are taken, for waiting would only
        move the queue to where nobody sees it."""
        if self._inside[name] >= limit:
            raise Refused(refusal)
        self._inside[name] += 1
        try:
            yield
        finally:
            self._inside[name] -= 1
            if not self._inside[name]:
                del self._inside[name]
