"""One service for each event loop of a process: opened when it is first asked for, closed with the loop."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from typing import Generic, TypeVar

from feishu.shared_result import shared

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Opens ``service()`` for the running event loop and keeps it open until ``close()``, or until the loop ends and
    cancels the task that keeps it: either way its context manager is left in order."""

    def __init__(self, service: Callable[[], AbstractAsyncContextManager[T]], *, name: str) -> None:
        self._service = service
        self._name = name
        self._open: dict[asyncio.AbstractEventLoop, _Kept[T]] = {}

    async def current(self) -> T:
        """The service of the running event loop, opened. Raises what opening it raises."""
        loop = asyncio.get_running_loop()
        kept = self._open.get(loop)
        if kept is None:
            kept = self._open[loop] = _Kept(self._service(), self._name)
            kept.task.add_done_callback(lambda _task: self._open.pop(loop, None))
        return await shared(kept.ready)

    async def close(self) -> None:
        """Close the service of the running event loop."""
        if kept := self._open.get(asyncio.get_running_loop()):
            kept.closing.set()
            await kept.task


class _Kept(Generic[T]):
    def __init__(self, service: AbstractAsyncContextManager[T], name: str) -> None:
        self.closing = asyncio.Event()
        self.ready: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        # It outlives who asked for it first, whose request its log lines are not about.
        self.task = asyncio.create_task(self._keep(service), name=name, context=Context())

    async def _keep(self, service: AbstractAsyncContextManager[T]) -> None:
        try:
            async with service as opened:
                self.ready.set_result(opened)
                await self.closing.wait()
        except BaseException as error:
            if self.ready.done() or isinstance(error, asyncio.CancelledError):
                raise
            self.ready.set_exception(error)
