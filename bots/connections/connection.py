"""One running connection of one slot, from start to a proper end."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

from django.db import Error

from bots.connections.observer import SlotObserver
from bots.connections.slots import WantedSlot, credentials_of
from bots.enums import LossReason
from bots.models import Bot
from core.database.thread import DatabaseThread
from core.log_context import log_context
from feishu.credentials import AppCredentials
from feishu.errors import ConnectError
from feishu.long_connection.connection import Connection
from feishu.long_connection.messages import Message, Reply
from feishu.long_connection.spacing import Turns
from feishu.long_connection.timing import Timing
from feishu.reasons import Reason

logger = logging.getLogger(__name__)

STOP_TIMEOUT = 10.0
"""Seconds a connection may take to hand over its last acknowledgements."""
MOVE_TIMEOUT = 10.0
"""Seconds within which a connection that is to take over has to receive something from the platform."""

BotSink = Callable[[UUID, Message], Awaitable[Reply]]


class SlotConnection:
    """A connection under way. ``held``: the process holds the slot; otherwise it is about to take it over.

    ``on_closed`` is called when the connection has ended.
    """

    def __init__(
        self,
        wanted: WantedSlot,
        *,
        held: bool,
        observer: SlotObserver,
        sink: BotSink,
        database: DatabaseThread,
        turns: Turns,
        timing: Timing,
        on_closed: Callable[[], None],
    ) -> None:
        self.wanted = wanted
        self.held = held
        self.observer = observer
        self.closed = False
        self.replacement: WantedSlot | None = None
        """The connection to open in its place once it is closed."""
        self._on_closed = on_closed
        self._ending: asyncio.Task[None] | None = None
        self._started = time.monotonic()

        async def credentials() -> AppCredentials:
            try:
                return await database.run(credentials_of, wanted.bot_id)
            except (Error, Bot.DoesNotExist) as error:
                # An outage, or a bot deleted this moment: nothing that a traceback would explain.
                message = f"the credentials could not be read: {type(error).__name__}"
                raise ConnectError(message, stage="credentials", reason=Reason.DATABASE) from error

        def receive(message: Message) -> Awaitable[Reply]:
            return sink(wanted.bot_id, message)

        self._connection = Connection(
            credentials=credentials,
            sink=receive,
            observer=observer,
            name=wanted.app_id,
            turns=turns,
            timing=timing,
        )
        self._task = asyncio.create_task(self._run(), name=f"connection-{wanted.app_id}")

    async def _run(self) -> None:
        """Whatever is logged on this connection, also by what its messages set off, says whose it is."""
        with log_context(
            app_id=self.wanted.app_id,
            bot=str(self.wanted.bot_id),
            slot=self.wanted.number,
            node=self.observer.node,
        ):
            await self._connection.run()

    @property
    def ending(self) -> bool:
        return self._ending is not None

    @property
    def dead(self) -> bool:
        """It has ended by itself, which it should not."""
        return self._task.done() and not self.ending

    @property
    def is_stuck(self) -> bool:
        """It was to take over, but does not get through: the holder keeps the slot."""
        late = time.monotonic() - self._started > MOVE_TIMEOUT
        return not self.held and (self.observer.has_failed or (late and not self.observer.receiving))

    def renew(self, reason: str) -> None:
        """Reconnect at once; ``reason`` is for the log."""
        self._connection.renew(reason)

    def end(self, cause: LossReason, *, replacement: WantedSlot | None = None) -> None:
        """Close in the background, because of ``cause``; ``closed`` says when that is done."""
        if self._ending is None:
            self.replacement = replacement
            self.observer.cause = cause
            self._ending = asyncio.create_task(self._end(), name=f"ending-{self.wanted.app_id}")

    async def ended(self) -> None:
        """Wait until it is closed, if ``end`` was called."""
        if self._ending is not None:
            await self._ending

    async def _end(self) -> None:
        task = self._task
        task.cancel()
        await asyncio.wait([task], timeout=STOP_TIMEOUT)
        if not task.done():
            logger.error("connection_did_not_end", extra={"app_id": self.wanted.app_id})
        elif not task.cancelled() and (error := task.exception()) is not None:
            logger.error("connection_task_died", exc_info=error, extra={"app_id": self.wanted.app_id})
        self.closed = True
        self._on_closed()
