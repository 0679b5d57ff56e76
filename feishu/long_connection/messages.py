"""What goes in and out of a connection, as the rest of the product sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from msgspec import Struct

from feishu.frames import Frame

Kind: TypeAlias = Literal["event", "card"]


class Message(Struct, frozen=True, eq=False, gc=False):
    """One push of the platform, complete. `payload` is the JSON envelope as it came."""

    payload: bytes
    message_id: str
    trace_id: str
    kind: Kind
    """The frame's type. Card clicks usually come as `event` and some as `card`; the payload tells."""
    received_at: float
    """The connection's monotonic clock, in seconds, when the last fragment came."""
    frame: Frame
    """The last frame received: the answer repeats its ids and headers."""

    def __repr__(self) -> str:
        return f"Message(message_id={self.message_id!r}, trace_id={self.trace_id!r}, kind={self.kind!r})"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a push: 200 handled, 500 push it again. `data`: the JSON answer to a callback."""

    code: int = 200
    data: bytes | None = None


Sink: TypeAlias = Callable[[Message], Awaitable[Reply]]
"""Where messages go. Must be quick: the platform waits 3 s. A sink that returns a Future costs no task."""
