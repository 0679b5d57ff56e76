"""Events and callbacks by long connection."""

from collections.abc import Awaitable
from uuid import UUID

from events.enums import Arrived
from events.ingress.incoming import read_event
from events.ingress.receive import Receiver
from feishu.long_connection.messages import Message, Reply


class WebsocketSink:
    """The sink of the fleet, in one event loop."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def __call__(self, bot_id: UUID, message: Message) -> Awaitable[Reply]:
        event = read_event(
            bot_id=bot_id,
            payload=message.payload,
            arrived_by=Arrived.WEBSOCKET,
            trace_id=message.trace_id,
        )
        return self._receiver.receive(event, received_at=message.received_at)
