import json
import time
from types import SimpleNamespace
from typing import cast
from uuid import uuid4

from events.enums import Arrived
from events.ingress.receive import Receiver
from events.ingress.websocket import WebsocketSink
from feishu.long_connection.messages import Message
from tests.factories import message_event


def test_message_is_received_as_an_event_with_the_time_of_its_arrival():
    taken = []
    receiver = SimpleNamespace(
        receive=lambda event, *, received_at: taken.append((event, received_at)) or "reply"
    )
    payload = json.dumps(message_event()).encode()
    message = SimpleNamespace(payload=payload, trace_id="trace", received_at=time.monotonic())
    bot_id = uuid4()
    assert WebsocketSink(cast("Receiver", receiver))(bot_id, cast("Message", message)) == "reply"
    [(event, received_at)] = taken
    assert (event.bot_id, event.payload, event.trace_id) == (
        bot_id,
        payload.replace(b"verification-token", b""),
        "trace",
    )
    assert (event.arrived_by, received_at) == (Arrived.WEBSOCKET, message.received_at)
