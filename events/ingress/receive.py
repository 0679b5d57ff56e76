"""What happens to an event, whichever way it came: store, commit, then answer.

An ordinary event is acknowledged when its row is committed, and not before. A callback is answered within ``BUDGET``,
also while the database is slow: then it is stored behind its answer and goes to the workers. Waiting would save
nothing, because the platform does not push a callback again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from functools import partial
from typing import Self

from django.db import Error

from core.background.retry import RetrySchedule
from core.database.errors import described
from core.log_context import log_context
from events import metrics
from events.clicks.answers import CLICKED_BEFORE, FAILED, NOTHING, PROCESSING, encoded
from events.clicks.responder import CallbackResponder
from events.ingress.incoming import IncomingEvent
from events.ingress.store_once import Stored
from events.ingress.writer import Intake
from feishu.cards import Json
from feishu.long_connection.messages import PendingReply, Reply

logger = logging.getLogger(__name__)

BUDGET = 2.2
"""Seconds from a callback's arrival to its answer, storing included; the platform gives up after 3."""
MAX_LATE = 1_000
"""Callbacks that may be stored behind their answer at a time; those beyond are answered as failed."""
LATE_RETRIES = RetrySchedule((1.0, 3.0, 10.0, 30.0))
CLOSE_SECONDS = 5.0
"""What callbacks that are not stored yet get when the process ends."""

ACKNOWLEDGED = Reply(code=200)
NOT_STORED = Reply(code=500)
"""The platform keeps the event and pushes it again."""


class Receiver:
    """Stores events and answers callbacks, in one event loop. Use as an async context manager, which closes both."""

    def __init__(self, intake: Intake, callbacks: CallbackResponder) -> None:
        self._intake = intake
        self._callbacks = callbacks
        self._late: set[asyncio.Task[None]] = set()
        # Looked up once: asking for the running loop asks the kernel for the process every time.
        self._loop = asyncio.get_running_loop()
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._closing.enter_async_context(self._intake)
        self._closing.push_async_callback(self._callbacks.close)
        self._closing.push_async_callback(self._finish_late)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._closing.aclose()

    def receive(self, event: IncomingEvent, *, received_at: float) -> Awaitable[Reply]:
        """The reply to ``event``, which came at ``received_at`` on the monotonic clock; NOT_STORED when it has to be pushed
        again. Raises what no outage explains."""
        if event.is_callback:
            return self._answer(event, received_at)
        if self._intake.is_full:
            return self._acknowledge(event)
        # For nearly everything: neither a task nor a Future, which would cost as much as reading the message.
        reply = PendingReply()
        self._intake.put(event, partial(_resolve, reply))
        return reply

    async def _acknowledge(self, event: IncomingEvent) -> Reply:
        try:
            await self._intake.submit(event)
        except Error:
            return NOT_STORED
        return ACKNOWLEDGED

    async def _answer(self, event: IncomingEvent, received_at: float) -> Reply:
        with log_context(bot=str(event.bot_id), event_id=event.event_id):
            reply = await self._answer_callback(event, received_at + BUDGET)
        metrics.count_callback(event.bot_id, time.monotonic() - received_at)
        return reply

    async def _answer_callback(self, event: IncomingEvent, deadline: float) -> Reply:
        storing = self._loop.create_task(self._intake.submit(event))
        await asyncio.wait({storing}, timeout=max(0.0, deadline - time.monotonic()))
        if not storing.done():
            return Reply(code=200, data=encoded(self._store_late(event, storing), event.event_type))
        try:
            stored = storing.result()
        except Error:
            return NOT_STORED
        if stored.event_pk is None:
            repeated = CLICKED_BEFORE if event.is_single_use else NOTHING
            return Reply(code=200, data=encoded(repeated, event.event_type))
        return Reply(code=200, data=await self._callbacks.answer(stored.event_pk, event, deadline=deadline))

    # --- callbacks that are answered before they are stored

    def _store_late(self, event: IncomingEvent, storing: asyncio.Task[Stored]) -> Json:
        """Have it stored behind its answer; that answer."""
        if len(self._late) >= MAX_LATE:
            storing.cancel()
            return FAILED
        metrics.count_rescue(event.bot_id)
        late = self._loop.create_task(self._hand_over_when_stored(event, storing))
        self._late.add(late)
        late.add_done_callback(self._late.discard)
        return PROCESSING

    async def _hand_over_when_stored(self, event: IncomingEvent, storing: asyncio.Task[Stored]) -> None:
        attempts = 1
        while True:
            try:
                stored = await storing
            except Error as error:
                if LATE_RETRIES.is_exhausted(attempts):
                    logger.error(  # noqa: TRY400 -- an outage, whose traceback says nothing
                        "callback_not_stored",
                        extra={
                            "bot": str(event.bot_id),
                            "event_id": event.event_id,
                            **described(error),
                        },
                    )
                    return
                await asyncio.sleep(LATE_RETRIES.pause_after(attempts).total_seconds())
                attempts += 1
                storing = self._loop.create_task(self._intake.submit(event))
            else:
                if stored.event_pk is not None:
                    self._callbacks.hand_over(stored.event_pk)
                return

    async def _finish_late(self) -> None:
        if self._late:
            _stored, unfinished = await asyncio.wait(self._late, timeout=CLOSE_SECONDS)
            for late in unfinished:
                late.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)


def _resolve(reply: PendingReply, outcome: Stored | Exception) -> None:
    if isinstance(outcome, Exception) and not isinstance(outcome, Error):
        reply.resolve(outcome)
    else:
        reply.resolve(ACKNOWLEDGED if isinstance(outcome, Stored) else NOT_STORED)
