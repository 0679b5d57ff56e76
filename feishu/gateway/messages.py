"""What goes in and out of a connection, as the rest of the product sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from feishu.frames import Frame

Kind: TypeAlias = Literal["event", "card"]


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One push of the platform, complete. `payload` is the JSON envelope as it came."""

    payload: bytes = field(repr=False)
    message_id: str
    trace_id: str
    kind: Kind
    """The frame's type. Card clicks usually come as `event` and some as `card`; the payload tells."""
    received_at: float
    """The connection's monotonic clock, in seconds, when the last fragment came."""
    frame: Frame = field(repr=False)
    """The last frame received: the answer repeats its ids and headers."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a push: 200 handled, 500 push it again. `data`: the JSON answer to a callback."""

    code: int = 200
    data: bytes | None = None


Sink: TypeAlias = Callable[[Message], Awaitable[Reply]]
"""Where messages go. Must be quick: the platform waits 3 s. A sink that returns a Future costs no task."""
