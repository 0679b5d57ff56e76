"""Reading the bodies of requests within a size and a time, before it is known who sends them.

An honest body is there within milliseconds. Slow ones never keep it out: where there are too many under way, in all or
from one address, the one that began first gives way to the new one. Behind a proxy all come from one address, in bursts
as well: a body that has just begun is no slow one and gives way to nobody.
"""

import asyncio
from collections import Counter
from typing import Self

from starlette.requests import Request
from starlette.types import Message, Receive

from core.background.limits import SHARE
from core.remote_address import network_of

MAX_BYTES = 64 * 1024 * 1024
"""Of all bodies under way in one process."""
YOUNG_SECONDS = 1.0
"""How long a body may be under way before it gives way to others."""
HELD_UP_SECONDS = 0.25
"""By how much a timeout may be late. Where it is later, the event loop was held up, and what the caller sent in time may lie
unread: such a wait is not the caller's."""
ROUNDS = 3
"""How often a caller gets the time again because the loop was held up."""


class BodyTooLargeError(Exception):
    """The body is longer than the limit, as announced or as counted."""


class BodyTooSlowError(Exception):
    """The body did not come in time, or gave way to another one."""


class BodyReader:
    """Reads the bodies of one event loop's requests. An async context manager, to be kept for a loop."""

    def __init__(self) -> None:
        self._under_way: dict[asyncio.Timeout, tuple[str, float]] = {}
        """The address each comes from and when it began, in that order."""
        self._of_peer: Counter[str] = Counter()
        self._bytes = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Nothing is left to close: requests end before their loop."""

    async def read(
        self, request: Request, *, limit: int, places: int, seconds: float, first_seconds: float
    ) -> bytes:
        """At most ``limit`` bytes within ``seconds``, the first within ``first_seconds``, beside at most ``places`` others.
        Raises BodyTooLargeError, BodyTooSlowError, or ClientDisconnect when the caller went away."""
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > limit:
            raise BodyTooLargeError
        body, loop = bytearray(), asyncio.get_running_loop()
        for _ in range(ROUNDS):
            ends = loop.time() + seconds
            try:
                async with asyncio.timeout(seconds if body else first_seconds) as patience:
                    return await self._read(request, body, limit, patience, ends=ends, places=places)
            except TimeoutError:
                if loop.time() < (patience.when() or 0) + HELD_UP_SECONDS:
                    break
        raise BodyTooSlowError

    async def _read(
        self,
        request: Request,
        body: bytearray,
        limit: int,
        patience: asyncio.Timeout,
        *,
        ends: float,
        places: int,
    ) -> bytes:
        """Adds to ``body``, which holds what came before."""
        peer = network_of(request.client.host if request.client else "")
        if self._of_peer[peer] >= max(1, places // SHARE):
            self._end_oldest(peer)
        elif self._of_peer.total() >= places:
            self._end_oldest()
        self._under_way[patience] = peer, asyncio.get_running_loop().time()
        self._of_peer[peer] += 1
        self._bytes += len(body)
        try:
            async for chunk in request.stream():
                body += chunk
                self._bytes += len(chunk)
                if len(body) > limit:
                    raise BodyTooLargeError
                if self._bytes > max(MAX_BYTES, 2 * limit):
                    self._end_oldest(young_seconds=0)
                if body and patience in self._under_way:  # not where it has to give way
                    patience.reschedule(ends)
            return bytes(body)
        finally:
            self._bytes -= len(body)
            self._forget(patience)

    def _end_oldest(self, peer: str | None = None, *, young_seconds: float | None = None) -> None:
        now = asyncio.get_running_loop().time()
        oldest_to_stay = now - (YOUNG_SECONDS if young_seconds is None else young_seconds)
        for patience, (its_peer, began) in self._under_way.items():
            if began > oldest_to_stay:
                return
            if peer in {None, its_peer}:
                if not patience.expired():  # its task may not have come to know yet
                    patience.reschedule(now)
                self._forget(patience)
                return

    def _forget(self, patience: asyncio.Timeout) -> None:
        peer, _began = self._under_way.pop(patience, (None, 0))
        if peer is not None:
            self._of_peer[peer] -= 1
            if not self._of_peer[peer]:
                del self._of_peer[peer]


def received(body: bytes, receive: Receive) -> Receive:
    """``receive`` with a body that was read already in front."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message
