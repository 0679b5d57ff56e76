"""Speed: how many events a second does the other end of a connection take, and how soon does it answer?"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from sandbox.config import AppId
from sandbox.control.endpoint import ControlRoute, command, known_app
from sandbox.delivery import envelopes
from sandbox.delivery.flood import MARK, Flood, FloodOutcome
from sandbox.errors import ControlError
from sandbox.state import Sandbox


class Rush(Struct, forbid_unknown_fields=True, kw_only=True):
    """`count` events of a type down one connection of the app, `window` of them unanswered at a time; or `per_second`,
    each on time, however many are unanswered. `$id` inside a string of `event` becomes the event's own 32 hexadecimal
    digits. None of them is in the books, none is pushed again, and no fault applies to them."""

    app_id: AppId
    type: str = "im.message.receive_v1"
    count: Annotated[int, Meta(ge=1, le=10_000_000)] = 10_000
    event: dict[str, Any] = {}
    window: Annotated[int, Meta(ge=1, le=20_000)] = 1_000
    per_second: Annotated[float, Meta(gt=0)] | None = None


async def flood(sandbox: Sandbox, rush: Rush) -> FloodOutcome:
    """Thousands of events a second, each timed."""
    app = known_app(sandbox.world, rush.app_id)
    connection = sandbox.world.connections.choose(app.app_id)
    if connection is None or connection.wire is None:
        raise ControlError("the app has no connection", status=422)
    event = msgspec.json.decode(msgspec.json.encode(rush.event).decode().replace("$id", MARK))
    payload = envelopes.schema_2(app, rush.type, event, event_id=MARK, create_time=str(sandbox.world.now_ms))
    return await Flood(
        connection.wire, payload, count=rush.count, window=rush.window, per_second=rush.per_second
    ).run()


def routes() -> list[ControlRoute]:
    return [command("flood", Rush, flood)]
