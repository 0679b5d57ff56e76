"""What happens to a message of the long connection: read, store, commit, answer."""

import asyncio
import time
from collections.abc import Awaitable
from functools import partial
from uuid import UUID

from django.db import Error

from events.clicks.responder import BUDGET, CallbackLane, again
from events.enums import Arrived
from events.ingress.inbox import Stored
from events.ingress.incoming import Arrival, arrival
from events.ingress.writer import Intake
from feishu.long_connection.messages import Message, Reply

OK = Reply(code=200)
NOT_STORED = Reply(code=500)


class GatewaySink:
    """The sink of the fleet, in one event loop. What cannot be stored now is answered 500: the platform keeps it and pushes
    it again."""

    def __init__(self, intake: Intake, callbacks: CallbackLane) -> None:
        self._intake = intake
        self._callbacks = callbacks
        # Looked up once: asking for the running loop asks the kernel for the process every time.
        self._loop = asyncio.get_running_loop()

    def __call__(self, bot_id: UUID, message: Message) -> Awaitable[Reply]:
        one = arrival(
            bot_id=bot_id, payload=message.payload, arrived_by=Arrived.WEBSOCKET, trace_id=message.trace_id
        )
        if one.is_callback or self._intake.is_full:
            return self._answer(one, message)
        # For nearly everything: no task, which would cost as much as reading the message.
        reply: asyncio.Future[Reply] = self._loop.create_future()
        self._intake.put(one, partial(_reply, reply))
        return reply

    async def _answer(self, one: Arrival, message: Message) -> Reply:
        try:
            stored = await self._intake.submit(one)
        except Error:
            return NOT_STORED
        if not one.is_callback:
            return OK
        if stored.event_pk is None:
            return Reply(code=200, data=again(one))
        left = BUDGET - (time.monotonic() - message.received_at)
        return Reply(code=200, data=await self._callbacks.answer(stored.event_pk, one, budget=left))


def _reply(reply: asyncio.Future[Reply], outcome: Stored | Exception) -> None:
    if reply.done():
        return
    if isinstance(outcome, Exception) and not isinstance(outcome, Error):
        reply.set_exception(outcome)
    else:
        reply.set_result(OK if isinstance(outcome, Stored) else NOT_STORED)
