"""The way calls take to the database: all that came while the last visit was under way go together on the next, so that one
commit writes down many of them. No timer: a call that comes alone waits for nobody."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from auth_sessions.models import UserToken
from core.database.thread import DatabaseThread
from feishu_portal.api.proxy.admission import Admitted, Asked
from feishu_portal.api.proxy.admission_batch import Asking, admit_all
from feishu_portal.api.proxy.admission_rows import Memory

T = TypeVar("T")

DATABASE_SECONDS = 5.0  # of one statement
MAX_BATCH = 64  # calls on one visit


class Admissions:
    """Belongs to one event loop, and has one database connection."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[Asking, asyncio.Future[Admitted | UserToken]]] = asyncio.Queue()
        self._database = DatabaseThread("proxy", patience=DATABASE_SECONDS)
        self._memory = Memory()

    async def submit(self, asked: Asked, *, may_wait: bool) -> Admitted | UserToken:
        """`admission.admit` of this call, written down. Raises Problem, and django.db.Error."""
        future: asyncio.Future[Admitted | UserToken] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(
            (Asking(asked, may_wait), future)
        )  # bounded by the room that callers are let into
        return await future

    async def run(self, function: Callable[[], T]) -> T:
        """Another question to the database, between two visits."""
        return await self._database.run(function)

    async def work_for_ever(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < MAX_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            wanted = [(asking, future) for asking, future in batch if not future.done()]
            await self._visit(wanted)

    async def _visit(self, batch: list[tuple[Asking, asyncio.Future[Admitted | UserToken]]]) -> None:
        try:
            results = await self._database.run(admit_all, [asking for asking, _future in batch], self._memory)
        except Exception as error:  # noqa: BLE001 -- every caller must hear of it, whatever it was
            results = [error] * len(batch)
        for (_asking, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    async def close(self) -> None:
        await self._database.close()
