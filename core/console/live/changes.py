"""Topics, and which of their rows may have changed: what a notification of a live page says."""

from collections.abc import Iterable
from typing import Final

MAX_KEYS: Final = 500
"""Keys of one topic that are kept; beyond that anything may have changed."""
ANYTHING: Final = None
"""In place of keys: any row of the topic may have changed."""


class Changes:
    """Topics, and which of their rows may have changed. Bounded, however much is added."""

    def __init__(self) -> None:
        self._keys: dict[str, set[str] | None] = {}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def add(self, topic: str, keys: Iterable[str] | None) -> None:
        """``keys`` may be ANYTHING."""
        known = self._keys.setdefault(topic, set())
        if known is None:
            return
        if keys is not ANYTHING:
            known.update(keys)
        if keys is ANYTHING or len(known) > MAX_KEYS:
            self._keys[topic] = ANYTHING

    def of(self, topic: str) -> frozenset[str] | None:
        """The keys of a topic that may have changed, or ANYTHING."""
        keys = self._keys.get(topic, set())
        return ANYTHING if keys is None else frozenset(keys)

    def as_message(self) -> dict[str, list[str] | None]:
        """In the shape of a message of the channel layer."""
        return {topic: None if keys is None else sorted(keys) for topic, keys in self._keys.items()}
