"""One open connection: frames in, messages to the sink, answers and pings out."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any

from websockets.exceptions import ConnectionClosed

from feishu.long_connection.deliveries import Deliveries
from feishu.long_connection.ending import ConnectionEnding, EndKind, of_closed
from feishu.long_connection.messages import Message, Reply
from feishu.long_connection.observer import Observer
from feishu.long_connection.outbox import FrameOutbox
from feishu.long_connection.session import (
    ConfigChanged,
    Event,
    Ignored,
    MessageReceived,
    PongReceived,
    Session,
)
from feishu.long_connection.socket import GatewaySocket
from feishu.long_connection.spacing import Spacing
from feishu.long_connection.timing import Timing

logger = logging.getLogger("feishu.long_connection")

MAX_UNWRITTEN = 4096
"""Answers waiting to be written before reading pauses."""
MISSED_PONGS = 2
"""Pongs in a row that have to be missing: on a line that loses packets a single one proves nothing."""


class Pump:
    """Reads, writes, pings and watches until the connection ends. `pace` spreads the ends of all who share it."""

    def __init__(
        self,
        socket: GatewaySocket,
        session: Session,
        deliveries: Deliveries,
        observer: Observer,
        *,
        pace: Spacing,
        timing: Timing,
        clock: Callable[[], float],
        log: dict[str, str],
    ) -> None:
        self._socket = socket
        self._session = session
        self._deliveries = deliveries
        self._observer = observer
        self._pace = pace
        self._timing = timing
        self._clock = clock
        self._log = log
        self._outbox = FrameOutbox(MAX_UNWRITTEN)
        self._heartbeat_at: float | None = None
        self._reconfigured = asyncio.Event()
        self._paused = False
        self._given_up: asyncio.Future[ConnectionEnding] = asyncio.get_running_loop().create_future()

    def give_up(self, reason: str) -> None:
        """Have `run` end now, for this reason."""
        if not self._given_up.done():
            self._given_up.set_result(ConnectionEnding(EndKind.GIVEN_UP, reason))

    async def run(self) -> ConnectionEnding:
        """Pump until the connection ends; why it ended.

        Cancelled, it reads on until the messages in hand are answered, since the platform goes on pushing until the socket
        is closed; then it answers what has come meanwhile and closes the socket with a proper farewell.
        """
        writing = asyncio.create_task(self._guarded(self._write()))
        reading = asyncio.create_task(self._guarded(self._read()))
        works = (self._beat(), self._watch(), self._probe())
        others = [asyncio.create_task(self._guarded(work)) for work in works]
        try:
            done, _ = await asyncio.wait(
                [self._given_up, writing, reading, *others], return_when=asyncio.FIRST_COMPLETED
            )
            await self._pace.turn()  # all that follows is work, for each of hundreds perhaps
            return done.pop().result()
        except asyncio.CancelledError:
            await _stop(others)
            # In a task of its own: before Python 3.11.3, timeouts within a cancelled one cancel it once more.
            await asyncio.create_task(self._finish(reading, writing))
            raise
        finally:
            await _stop([writing, reading, *others])

    async def _read(self) -> ConnectionEnding:
        session, deliveries, clock = self._session, self._deliveries, self._clock
        while True:
            for data in await self._socket.recv_batch():
                if deliveries.full or self._outbox.full:
                    await self._pause()
                for event in session.receive(data, clock()):
                    if isinstance(event, MessageReceived):
                        self._observer.frame(event.message)
                        deliveries.offer(event.message, self._answer)
                    else:
                        self._note(event)

    async def _pause(self) -> None:
        """Read nothing more until there is room; the silence is ours then, not the platform's."""
        self._paused = True
        try:
            await self._outbox.wait_for_room()
            await self._deliveries.wait_for_room()
        finally:
            self._paused = False
            self._session.heard_at = self._clock()

    def _answer(self, message: Message, reply: Reply) -> None:
        elapsed = round((self._clock() - message.received_at) * 1000)
        self._outbox.put(self._session.ack(message, reply, elapsed))

    def _note(self, event: Event) -> None:
        if isinstance(event, PongReceived):
            now = self._clock()
            interval = None if self._heartbeat_at is None else now - self._heartbeat_at
            self._heartbeat_at = now
            self._observer.heartbeat(interval, expected=self._session.ping_interval)
        elif isinstance(event, ConfigChanged):
            logger.info("platform_configuration_changed", extra={**self._log, **asdict(event.config)})
            self._heartbeat_at = None  # the next ping goes out at once, between two beats
            self._reconfigured.set()
        elif isinstance(event, Ignored):
            logger.warning("frame_ignored", extra={**self._log, "reason": event.reason})

    async def _write(self) -> ConnectionEnding:
        try:
            await self._outbox.write_all(self._socket.send_batch, self._timing.write)
        except TimeoutError:
            return ConnectionEnding(EndKind.NETWORK, f"writing took longer than {self._timing.write:g} s")

    async def _beat(self) -> ConnectionEnding:
        while True:
            self._outbox.put(self._session.ping())
            self._reconfigured.clear()
            # A shorter interval shortens the silence allowed, so the next ping cannot wait for the old one.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._session.ping_interval):
                    await self._reconfigured.wait()

    async def _watch(self) -> ConnectionEnding:
        while True:
            remaining = self._session.deadline - self._clock()
            if remaining <= 0 and not self._paused:
                return ConnectionEnding(EndKind.SILENT, f"silent for {self._session.config.silence} s")
            self._deliveries.expire()
            # Often enough to notice a configuration that a pong has changed.
            tick = 5 * self._timing.second
            await asyncio.sleep(min(remaining, tick) if remaining > 0 else tick)

    async def _probe(self) -> ConnectionEnding:
        """Notice a dead peer long before the silence does: ping on the WebSocket's own level.

        Not left to the library, which would take a pong that we are too busy to read for a missing one.
        """
        patience, missed = self._timing.keepalive, 0
        while True:
            await asyncio.sleep(patience)
            asked_at = self._clock()
            try:
                async with asyncio.timeout(patience):
                    await (await self._socket.ping())
                missed = 0
            except TimeoutError:
                missed = 0 if self._paused or self._session.heard_at >= asked_at else missed + 1
                if missed == MISSED_PONGS:
                    return ConnectionEnding(EndKind.SILENT, f"no WebSocket pong within {patience:g} s")

    async def _finish(
        self, reading: asyncio.Task[ConnectionEnding], writing: asyncio.Task[ConnectionEnding]
    ) -> None:
        ends_at = self._clock() + self._timing.end

        def at_most(seconds: float) -> float:
            return max(0.0, min(seconds, ends_at - self._clock()))

        await self._deliveries.drain_present(at_most(self._timing.drain))
        await _stop([reading])
        await self._deliveries.drain(at_most(self._timing.drain))
        self._deliveries.abandon()
        written = asyncio.create_task(self._outbox.wait_for_room())
        await asyncio.wait(
            [written, writing], timeout=at_most(self._timing.close), return_when=asyncio.FIRST_COMPLETED
        )
        if not written.done():
            written.cancel()
            logger.warning("answers_not_written", extra=self._log)
        await self._socket.hang_up(at_most(self._timing.close))

    async def _guarded(self, work: Coroutine[Any, Any, ConnectionEnding]) -> ConnectionEnding:
        """Whatever ends one of the loops ends the connection, with a reason and never unseen."""
        try:
            return await work
        except ConnectionClosed as error:
            return of_closed(error)
        except Exception as error:
            logger.exception("connection_failed", extra=self._log)
            return ConnectionEnding(EndKind.ERROR, f"internal error: {type(error).__name__}")


async def _stop(tasks: list[asyncio.Task[ConnectionEnding]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
