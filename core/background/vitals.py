"""Whether a process does its work: its parts, each of which makes a pass every now and then, and when each made its last one.

A loop that hangs cannot say so. A thread beside it can, by how long ago the loop was last heard of: that of the metrics' port,
that of the heartbeat, and the one that reports to the service manager.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class _Part:
    within: float
    passed_at: float


class Vitals:
    """The parts of one process. Every method may be called from any thread; a part has one name and one thread or loop."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._parts: dict[str, _Part] = {}
        self._others: list[Callable[[], list[str]]] = []
        self.mirror: Callable[[float], None] | None = None
        """Gets `deadline` whenever it changes, for a parent that judges its children."""

    def expect(self, part: str, *, within: float) -> None:
        """From now on the part makes a pass at least every ``within`` seconds, until it is forgotten."""
        self._parts[part] = _Part(within, self._clock())
        self._reflect()

    def passed(self, part: str) -> None:
        """The part has made a pass. Nothing where it is not expected to."""
        known = self._parts.get(part)
        if known is not None:
            known.passed_at = self._clock()
            self._reflect()

    def forget(self, part: str) -> None:
        """The part has ended, or waits for something that is not its own: nobody misses it."""
        self._parts.pop(part, None)
        self._reflect()

    @contextmanager
    def under_way(self, part: str, *, within: float) -> Iterator[None]:
        """The part is expected for as long as the block runs."""
        self.expect(part, within=within)
        try:
            yield
        finally:
            self.forget(part)

    def ask_also(self, standing_still: Callable[[], list[str]]) -> None:
        """Judge by this, too: parts that are not in this process, and stand still."""
        self._others.append(standing_still)

    def standing_still(self) -> list[str]:
        """The parts that are overdue, by name."""
        now = self._clock()
        own = {part for part, known in self._copy().items() if now > known.passed_at + known.within}
        return sorted(own.union(*(ask() for ask in self._others)))

    def seconds_since_pass(self) -> float | None:
        """Since any part made its last pass; None where none is expected."""
        passes = [known.passed_at for known in self._copy().values()]
        return max(0.0, self._clock() - max(passes)) if passes else None

    def deadline(self) -> float:
        """When the first part will be overdue, by the clock; infinite where none is expected."""
        return min((known.passed_at + known.within for known in self._copy().values()), default=float("inf"))

    def clear(self) -> None:
        """Nothing is expected any more: in a forked child, what the parent's threads do is no concern of its own."""
        self._parts.clear()
        self._others.clear()
        self.mirror = None

    def _copy(self) -> dict[str, _Part]:
        return dict(self._parts)  # in one step of the interpreter: parts come and go on other threads

    def _reflect(self) -> None:
        if self.mirror is not None:
            self.mirror(self.deadline())


vitals = Vitals()
os.register_at_fork(after_in_child=vitals.clear)
