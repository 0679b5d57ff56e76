"""What goes in and out of a connection, as the rest of the product sees it."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

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


class PendingReply:
    """A reply that is still to come, in one event loop: awaited, or handed to `follow`, once.

    For sinks that take thousands of messages a second: what follows a Future costs each a turn of the event loop.
    """

    __slots__ = ("_follow", "_outcome")

    def __init__(self) -> None:
        self._outcome: Reply | Exception | None = None
        self._follow: Callable[[Reply | Exception], None] | None = None

    def resolve(self, outcome: Reply | Exception) -> None:
        """Hand over the reply, or why there is none; once."""
        self._outcome = outcome
        if self._follow is not None:
            self._follow(outcome)

    def follow(self, follow: Callable[[Reply | Exception], None]) -> None:
        """Have `follow` called with the outcome: at once, where it is there already. It must not raise."""
        self._follow = follow
        if self._outcome is not None:
            follow(self._outcome)

    def __await__(self) -> Generator[Any, None, Reply]:
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.follow(partial(_resolve, future))
        return (yield from future)


def _resolve(future: "asyncio.Future[Reply]", outcome: Reply | Exception) -> None:
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


Sink: TypeAlias = Callable[[Message], Awaitable[Reply]]
"""Where messages go. Must be quick: the platform waits 3 s. A sink that returns a Future or a PendingReply costs no task."""
