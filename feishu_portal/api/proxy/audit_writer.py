"""Writing down how calls ended: behind the answer and many at a time, for nobody waits for it."""

import asyncio
import logging
from collections import deque

from django.db import Error

from auth_sessions.domain.tokens.uses import record_endings
from auth_sessions.models import TokenUse
from core.database.thread import DatabaseThread

logger = logging.getLogger("portal.proxy")

PAUSE = 0.5  # seconds between two writes
MAX_KEPT = 20_000  # endings; what is dropped beyond shows as a call that nobody saw end


class Endings:
    """Has a database connection of its own, so that no call waits behind it."""

    def __init__(self) -> None:
        self._database = DatabaseThread("proxy-endings")
        self._ended: deque[TokenUse] = deque(maxlen=MAX_KEPT)
        self._some = asyncio.Event()

    def add(self, use: TokenUse) -> None:
        self._ended.append(use)
        self._some.set()

    async def write_for_ever(self) -> None:
        while True:
            await self._some.wait()
            await asyncio.sleep(PAUSE)
            await self.write()

    async def write(self) -> None:
        """Write what there is; what a database that is away does not take is kept for the next time."""
        self._some.clear()
        batch = [self._ended.popleft() for _ in range(len(self._ended))]
        if not batch:
            return
        try:
            await self._database.run(record_endings, batch)
        except Error as error:
            logger.warning("endings_not_written", extra={"calls": len(batch), "error": type(error).__name__})
            self._ended.extendleft(reversed(batch[: MAX_KEPT - len(self._ended)]))
            self._some.set()

    async def close(self) -> None:
        await self.write()
        await self._database.close()
