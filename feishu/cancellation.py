"""HTTP calls that a cancelled task leaves in order.

httpcore2 gives connections back behind shields of anyio, and `asyncio.timeout` or `Task.cancel` passes through those: a
call cancelled in a moment of cleaning up loses sockets that nobody closes, or keeps a place in the pool for good. Here
a call runs in a task of its own, and a cancellation of the caller reaches it as one of anyio's.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import anyio
import httpx2

T = TypeVar("T")


class CancellableTransport(httpx2.AsyncBaseTransport):
    """Calls through another transport; safe to be cancelled at any step."""

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await send(self._transport, request)

    async def aclose(self) -> None:
        await self._transport.aclose()


async def send(transport: httpx2.AsyncBaseTransport, request: httpx2.Request) -> httpx2.Response:
    """The transport's answer to the request. Where the task is cancelled, the call has cleaned up before this raises."""
    scope = anyio.CancelScope()
    call = asyncio.ensure_future(_within(scope, transport.handle_async_request(request)))
    try:
        response = await asyncio.shield(call)
    except asyncio.CancelledError:
        scope.cancel()
        await _end_of(call)
        if not call.cancelled() and call.exception() is None:
            # It was answered in the same moment.
            await _uncancelled(call.result().aclose())
        raise
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Body(response.stream)
    return response


class _Body(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        await _uncancelled(self._stream.aclose())


async def _within(scope: anyio.CancelScope, call: Coroutine[Any, Any, T]) -> T:
    with scope:
        return await call
    # The scope has taken the cancellation of the call for its own.
    raise asyncio.CancelledError


async def _uncancelled(closing: Coroutine[Any, Any, None]) -> None:
    """Closes to the end, which waits for nobody, and is cancelled thereafter."""
    task = asyncio.ensure_future(closing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await _end_of(task)
        raise


async def _end_of(task: "asyncio.Future[Any]") -> None:
    """Cleaning up is a matter of moments; further cancellations have to wait for it."""
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task})
