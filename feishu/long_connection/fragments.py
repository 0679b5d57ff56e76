"""Putting together payloads that the platform split over several frames.

Fragments share a message_id and may come in any order. Memory is bounded: by number of messages, by bytes and
by age; what does not complete is dropped and, never acknowledged, pushed again by the platform.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

MAX_MESSAGES: Final = 256
MAX_FRAGMENTS: Final = 4096
MAX_BYTES: Final = 32 * 1024 * 1024
MAX_AGE: Final = 30.0
"""Seconds from the first fragment; the platform waits 3 s for the whole message."""


@dataclass(slots=True)
class _Partial:
    total: int
    started: float
    size: int = 0
    parts: dict[int, bytes] = field(default_factory=dict)


class Fragments:
    """The messages under way on one connection. `now`: any monotonic clock, in seconds."""

    def __init__(
        self, *, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES, max_age: float = MAX_AGE
    ) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._partials: OrderedDict[str, _Partial] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._partials)

    def add(self, message_id: str, *, index: int, total: int, content: bytes, now: float) -> bytes | None:
        """Keep one fragment; the whole payload once the last one is there.

        A repeated fragment replaces the earlier one, a different `total` starts the message afresh.
        Raises ValueError for a fragment that cannot belong to any message.
        """
        if not message_id or not 0 <= index < total <= MAX_FRAGMENTS:
            raise ValueError(f"fragment {index} of {total} of message {message_id!r}")
        self._expire(now)
        partial = self._partials.get(message_id)
        if partial is None or partial.total != total:
            self._drop(message_id)
            partial = self._partials[message_id] = _Partial(total, now)
        self._bytes += len(content) - len(partial.parts.get(index, b""))
        partial.size += len(content) - len(partial.parts.get(index, b""))
        partial.parts[index] = content
        if len(partial.parts) == total:
            self._drop(message_id)
            return b"".join(partial.parts[position] for position in range(total))
        self._shrink()
        return None

    def _expire(self, now: float) -> None:
        while self._partials:
            oldest, partial = next(iter(self._partials.items()))
            if now - partial.started < self._max_age:
                return
            self._drop(oldest)

    def _shrink(self) -> None:
        while self._partials and (len(self._partials) > self._max_messages or self._bytes > self._max_bytes):
            self._drop(next(iter(self._partials)))

    def _drop(self, message_id: str) -> None:
        partial = self._partials.pop(message_id, None)
        if partial is not None:
            self._bytes -= partial.size
