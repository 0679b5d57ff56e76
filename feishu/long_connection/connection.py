"""Keeping one long connection up, for ever.

Discover, dial, pump; and again after any failure. Nothing makes it give up: wrong credentials are retried
slowly and reported, because an operator may correct them at any time.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable

from feishu.codes import Category
from feishu.credentials import AppCredentials
from feishu.errors import ConnectError, FeishuError
from feishu.long_connection.address import ClientOf, find_gateway, new_client
from feishu.long_connection.backoff import Schedule
from feishu.long_connection.config import ClientConfig
from feishu.long_connection.deliveries import Deliveries
from feishu.long_connection.discovery import Endpoint
from feishu.long_connection.ending import STOPPED, EndKind
from feishu.long_connection.messages import Message, Reply, Sink
from feishu.long_connection.observer import Observer
from feishu.long_connection.pump import Pump
from feishu.long_connection.session import Session
from feishu.long_connection.socket import GatewaySocket, dial
from feishu.long_connection.spacing import Turns
from feishu.long_connection.timing import Timing
from feishu.reasons import Reason

__all__ = ["Connection", "Message", "Observer", "Reply", "Sink", "Timing"]

logger = logging.getLogger("feishu.long_connection")

MAX_IN_FLIGHT = 2000
"""Messages that may be with the sink at once; more are left unread."""


class Connection:
    """One long connection of one app.

    `credentials` is awaited before each attempt, so that a changed secret or proxy takes effect; it raises a
    FeishuError for what an operator should read. `sink` gets every message, many at once. `client` makes what asks
    for the gateway's address. `turns` spread the attempts and the ends of all
    who share them. `name` goes into log lines.
    """

    def __init__(
        self,
        *,
        credentials: Callable[[], Awaitable[AppCredentials]],
        sink: Sink,
        observer: Observer,
        client: ClientOf = new_client,
        turns: Turns | None = None,
        name: str = "",
        timing: Timing | None = None,
        max_in_flight: int = MAX_IN_FLIGHT,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._credentials = credentials
        self._sink = sink
        self._observer = observer
        self._client = client
        self._turns = turns or Turns()
        self._timing = timing or Timing()
        self._max_in_flight = max_in_flight
        self._clock = clock
        self._log = {"connection": name}
        self._config = ClientConfig()
        self._hurry = asyncio.Event()
        self._pump: Pump | None = None
        self._schedule = Schedule(random, first=self._timing.first_delay, longest=self._timing.longest_delay)

    async def run(self) -> None:
        """Keep the connection up until cancelled; then answer what is in hand and close, within seconds."""
        deliveries = Deliveries(
            self._sink, limit=self._max_in_flight, timeout=self._timing.sink, clock=self._clock
        )
        try:
            while True:
                await self._pause(await self._guarded_attempt(deliveries))
        finally:
            # Messages of an earlier socket cannot be answered any more, but they deserve to be stored.
            # A task of its own, as with all that waits once this one is cancelled: see Pump.run.
            await asyncio.create_task(deliveries.drain(self._timing.drain))
            deliveries.abandon()

    def renew(self, reason: str) -> None:
        """Give up the socket and connect again at once, or stop waiting for the next attempt.

        For who knows better than a clock that counts silence: the machine has slept, say. `reason`: for the log.
        """
        self._schedule.forget()
        if self._pump is not None:
            self._pump.give_up(reason)
        else:
            self._hurry.set()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    async def _guarded_attempt(self, deliveries: Deliveries) -> float:
        """One life of the connection; seconds until the next. Not even a faulty observer ends the run."""
        try:
            seconds = await self._attempt(deliveries)
            self._observer.waiting(seconds)
        except Exception as error:
            logger.exception("connection_failed", extra=self._log)
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # It came in place of the cancellation, which is not asked for a second time.
                raise asyncio.CancelledError from error
            return self._schedule.failed(fatal=False).retry_in
        else:
            return seconds

    async def _attempt(self, deliveries: Deliveries) -> float:
        self._hurry.clear()
        await self._turns.beginning.turn()
        self._observer.connecting()
        try:
            endpoint, socket = await self._reach()
        except FeishuError as error:
            return self._failed(error)
        try:
            return await self._live(endpoint, socket, deliveries)
        finally:
            await asyncio.create_task(socket.cut(self._timing.close))

    async def _live(self, endpoint: Endpoint, socket: GatewaySocket, deliveries: Deliveries) -> float:
        began = self._clock()
        session = Session(
            service_id=endpoint.service_id, config=endpoint.config, now=began, second=self._timing.second
        )
        log = {**self._log, "device_id": endpoint.device_id}
        pump = Pump(
            socket,
            session,
            deliveries,
            self._observer,
            pace=self._turns.ending,
            timing=self._timing,
            clock=self._clock,
            log=log,
        )
        logger.debug("connected", extra=log)
        self._observer.connected(endpoint.device_id)
        ending = STOPPED
        self._pump = pump
        try:
            ending = await pump.run()
        finally:
            self._pump = None
            logger.debug("disconnected", extra={**log, "kind": ending.kind, "error": ending.message})
            self._observer.disconnected(ending)
        self._config = session.config
        if not session.alive and ending.kind is not EndKind.GIVEN_UP:
            silence = ConnectError(
                f"connected, but no frame came: {ending}", stage="handshake", reason=Reason.SILENT
            )
            return self._failed(silence)
        self._schedule.succeeded()
        return self._schedule.dropped(lasted=self._clock() - began >= self._timing.settled)

    async def _reach(self) -> tuple[Endpoint, GatewaySocket]:
        try:
            credentials = await self._read_credentials()
            endpoint = await find_gateway(
                credentials, seconds=self._timing.discovery, config=self._config, client=self._client
            )
            self._config = endpoint.config
            return endpoint, await dial(endpoint, self._timing, route=credentials.route)
        except FeishuError:
            raise
        except Exception as error:
            logger.exception("connecting_failed", extra=self._log)
            raise ConnectError(f"internal error: {type(error).__name__}", reason=Reason.INTERNAL) from error

    async def _read_credentials(self) -> AppCredentials:
        try:
            async with asyncio.timeout(self._timing.credentials):
                return await self._credentials()
        except FeishuError:
            raise
        except TimeoutError as error:
            raise ConnectError(
                f"the credentials did not come within {self._timing.credentials:g} s",
                stage="credentials",
                reason=Reason.DATABASE,
            ) from error
        except Exception as error:
            logger.exception("credentials_not_read", extra=self._log)
            message = f"the credentials could not be read: {type(error).__name__}"
            raise ConnectError(message, stage="credentials", reason=Reason.INTERNAL) from error

    def _failed(self, error: FeishuError) -> float:
        fatal = error.info.category in {Category.CONFIGURATION, Category.WRONG_BRAND}
        crowded = error.info.category is Category.CONNECTION_LIMIT
        # A stale connection has to end first, which takes the platform a while.
        wait = max(self._config.reconnect_interval * self._timing.second, self._timing.longest_delay)
        following = self._schedule.failed(fatal=fatal, at_least=wait if crowded else 0.0)
        # The observer is the one to speak up; hundreds of bots that break at once must not say everything twice.
        logger.debug(
            "not_connected",
            extra={
                **self._log,
                "attempt": following.attempt,
                "retry_in": round(following.retry_in, 1),
                "reason": error.reason or "",
                "error": str(error),
            },
        )
        self._observer.failed(
            error, attempt=following.attempt, fatal=following.fatal, retry_in=following.retry_in
        )
        return following.retry_in
