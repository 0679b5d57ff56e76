"""What happens to a message of the long connection: read, store, commit, answer."""

import time
from uuid import UUID

from django.db import Error

from events.arrivals import arrival
from events.callbacks import BUDGET, CallbackLane, again
from events.enums import Arrived
from events.intake import Intake
from feishu.gateway.messages import Message, Reply

OK = Reply(code=200)
NOT_STORED = Reply(code=500)


class GatewaySink:
    """The sink of the fleet. What cannot be stored now is answered 500: the platform keeps it and pushes it again."""

    def __init__(self, intake: Intake, callbacks: CallbackLane) -> None:
        self._intake = intake
        self._callbacks = callbacks

    async def __call__(self, bot_id: UUID, message: Message) -> Reply:
        one = arrival(
            bot_id=bot_id, payload=message.payload, arrived_by=Arrived.WEBSOCKET, trace_id=message.trace_id
        )
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
