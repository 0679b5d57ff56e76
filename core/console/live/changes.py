"""Saying that rows have changed, for pages somebody may be looking at.

What is said is a hint and never the truth: a topic and the keys of rows, no contents. Whoever hears it reads the rows
again, as far as he may see them, and looks for himself every few seconds anyway. So hints may be lost, doubled and
reordered, and saying them costs nothing: not the one who says them, and no page when nobody can carry them.
"""

from collections.abc import Iterable
from typing import Final

from channels.layers import get_channel_layer

MAX_KEYS: Final = 500
"""Keys told apart within one topic; beyond that anything may have changed."""
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
        """In the shape in which they travel."""
        return {topic: None if keys is None else sorted(keys) for topic, keys in self._keys.items()}


def changed(topic: str, keys: Iterable[object] | None = ANYTHING) -> None:
    """Say that these rows have changed, once they have: on commit. Returns at once, raises nothing, from any thread."""
    from core.console.live.hub import tell_own_pages  # noqa: PLC0415 -- asyncio and Redis are loaded by who says something
    from core.console.live.outbox import OUTBOX  # noqa: PLC0415

    words = ANYTHING if keys is ANYTHING else [str(key) for key in keys]
    if get_channel_layer() is None:
        tell_own_pages(topic, words)
    else:
        OUTBOX.put(topic, words)
