"""How many handlers one process runs at once, and how many of them may be the same one."""

import threading
from collections import Counter
from typing import TypeAlias
from uuid import UUID

Whose: TypeAlias = tuple[UUID, str]
"""A bot and the name of one of its handlers."""


class HandlerRoom:
    """Counts the runs of a process by whose they are.

    A handler gets at most three quarters of the room, whichever bots it runs for, and for one bot at most half of what
    the others leave. One that hangs takes half of the threads, a second one a quarter, and so on: there is room for
    another one almost whatever hangs.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._inside: Counter[Whose] = Counter()
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        with self._lock:
            return max(0, self.size - self._inside.total())

    def admits(self, whose: Whose) -> bool:
        """Whether one more of these may run."""
        with self._lock:
            total, own = self._inside.total(), self._inside[whose]
            same = sum(count for (_bot, handler), count in self._inside.items() if handler == whose[1])
            return (
                total < self.size
                and same < max(1, self.size * 3 // 4)
                and own < max(1, (self.size - total + own) // 2)
            )

    def enter(self, whose: Whose) -> None:
        with self._lock:
            self._inside[whose] += 1

    def leave(self, whose: Whose) -> None:
        with self._lock:
            self._inside[whose] -= 1
            if self._inside[whose] <= 0:
                del self._inside[whose]

    def inside(self) -> list[Whose]:
        """Whose runs there are."""
        with self._lock:
            return list(self._inside)
