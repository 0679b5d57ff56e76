"""Bounding the values of labels: every set of values is a series that Prometheus keeps for weeks."""

import threading
from typing import Final

OTHER: Final = "other"
LONGEST: Final = 200
"""Bytes of a value."""


class BoundedLabels:
    """Sets of label values in the order in which they come, ``most`` of them; those beyond are counted as ``other``.
    Thread-safe."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._known: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()

    def bounded(self, *values: str) -> tuple[str, ...]:
        """``values``, or ``other`` in the place of each."""
        if values in self._known:
            return values
        with self._lock:
            if len(self._known) >= self.most or not all(map(_is_sayable, values)):
                return (OTHER,) * len(values)
            self._known.add(values)
        return values


def _is_sayable(value: str) -> bool:
    """Whether a scrape can hold it: half of a surrogate pair, which JSON may name, would cost the whole scrape."""
    try:
        return len(value.encode()) <= LONGEST
    except UnicodeEncodeError:
        return False
