"""Messages on their way through the sink: many at once, bounded in number and in time."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeAlias

from feishu.long_connection.messages import Message, PendingReply, Reply, Sink

logger = logging.getLogger("feishu.long_connection")

FAILED = Reply(code=500)

Answer: TypeAlias = Callable[[Message, Reply], None]


class Deliveries:
    """Hands messages to a sink and answers each exactly once.

    Outlives single sockets, so that messages in hand are finished when one breaks.
    """

    def __init__(self, sink: Sink, *, limit: int, timeout: float, clock: Callable[[], float]) -> None:
        self._sink = sink
        self._limit = limit
        self._timeout = timeout
        self._clock = clock
        # Insertion order is age, so the first one is the first to run out of time.
        self._open: dict[_Delivery, None] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def full(self) -> bool:
        return len(self._open) >= self._limit

    def offer(self, message: Message, answer: Answer) -> None:
        """Start handling a message; `answer` is called once, in this event loop, with the sink's reply.

        A sink that raises or takes too long answers 500: push it again.
        """
        delivery = _Delivery(message, answer, self._clock(), self._close)
        self._open[delivery] = None
        delivery.start(self._sink)

    async def wait_for_room(self) -> None:
        """Wait until there is room for another message."""
        while self.full:
            await self._wait(self._expiry())

    async def drain(self, seconds: float) -> None:
        """Wait until nothing is under way, but no longer than that."""
        until = self._clock() + seconds
        while self._open and self._clock() < until:
            await self._wait(until)

    async def drain_present(self, seconds: float) -> None:
        """The same for what is under way now, whatever comes meanwhile."""
        present, until = set(self._open), self._clock() + seconds
        while not present.isdisjoint(self._open) and self._clock() < until:
            await self._wait(until)

    def expire(self) -> None:
        """Give up on messages that have taken too long."""
        for delivery in list(self._open):
            if self._clock() < delivery.started + self._timeout:
                return
            delivery.give_up("timeout")

    def abandon(self) -> None:
        """Give up on everything under way."""
        for delivery in list(self._open):
            delivery.give_up("connection_ended")

    def _close(self, delivery: "_Delivery") -> None:
        del self._open[delivery]
        self._changed.set()

    def _expiry(self) -> float:
        return next(iter(self._open)).started + self._timeout

    async def _wait(self, until: float) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(max(0.0, until - self._clock())):
                await self._changed.wait()
        except TimeoutError:
            self.expire()


class _Delivery:
    __slots__ = ("_answer", "_closed", "_future", "_message", "_owned", "_settled", "started")

    def __init__(
        self, message: Message, answer: Answer, started: float, closed: Callable[["_Delivery"], None]
    ) -> None:
        self.started = started
        self._message = message
        self._answer = answer
        self._closed = closed
        self._settled = False
        self._owned = False
        self._future: asyncio.Future[Reply] | None = None

    def start(self, sink: Sink) -> None:
        try:
            awaitable = sink(self._message)
            if isinstance(awaitable, PendingReply):
                awaitable.follow(self._replied)
                return
            self._future = asyncio.ensure_future(awaitable)
        except Exception as error:  # noqa: BLE001 - the sink is not ours
            self._fail(error)
            return
        self._owned = self._future is not awaitable
        self._future.add_done_callback(self._finished)

    def give_up(self, reason: str) -> None:
        logger.error("message_given_up", extra={**self._ids(), "reason": reason})
        # A future of the sink's own may belong to a whole batch of messages: it is left alone.
        if self._owned and self._future is not None:
            self._future.cancel()
        self._settle(FAILED)

    def _replied(self, outcome: Reply | Exception) -> None:
        try:
            if self._settled:
                return
            if isinstance(outcome, Exception):
                self._fail(outcome)
            else:
                self._settle(outcome)
        except Exception:
            # Whoever resolves the reply has those of other messages to resolve.
            logger.exception("message_not_answered", extra=self._ids())

    def _finished(self, future: asyncio.Future[Reply]) -> None:
        error = None if future.cancelled() else future.exception()
        if self._settled:
            return
        if future.cancelled():
            self._settle(FAILED)
        elif error is not None:
            self._fail(error)
        else:
            self._settle(future.result())

    def _fail(self, error: BaseException) -> None:
        logger.error("message_not_handled", exc_info=error, extra=self._ids())
        self._settle(FAILED)

    def _settle(self, reply: Reply) -> None:
        self._settled = True
        self._closed(self)
        self._answer(self._message, reply)

    def _ids(self) -> dict[str, str]:
        return {"message_id": self._message.message_id, "trace_id": self._message.trace_id}
