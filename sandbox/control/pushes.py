"""Synthetic events, and the books of what was pushed."""

import asyncio
import time
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request

from sandbox.config import AppConfig, AppId
from sandbox.control.endpoint import ControlRoute, command, known_app, number, question
from sandbox.delivery import envelopes
from sandbox.errors import ControlError
from sandbox.state import Sandbox
from sandbox.world import ids
from sandbox.world.deliveries import counts

MAX_COUNT = 100_000
_SLICE = 200


class Synthetic(Struct, forbid_unknown_fields=True, kw_only=True):
    """`count` events of a type, or callbacks, with the same content and ids of their own.

    `ids`: the ids to use, in order, repeated ones included. `raw`: the whole payload as text, sent as it is,
    however malformed. `$n` inside a string of `event` or `raw` becomes the number of the event, from 0.
    `per_second` paces them. `wait` False answers before they are sent.
    """

    app_id: AppId
    type: str = "sandbox.synthetic_v1"
    count: Annotated[int, Meta(ge=1, le=MAX_COUNT)] = 1
    event: dict[str, Any] = {}
    schema: Literal["1.0", "2.0"] = "2.0"
    ids: list[str] | None = None
    raw: str | None = None
    per_second: Annotated[float, Meta(gt=0)] | None = None
    wait: bool = True


async def push(sandbox: Sandbox, synthetic: Synthetic) -> dict[str, Any]:
    """Push synthetic events, as many and as broken as wanted."""
    app = known_app(sandbox.world, synthetic.app_id)
    names = synthetic.ids if synthetic.ids is not None else [ids.event_id() for _ in range(synthetic.count)]
    if len(names) < synthetic.count and synthetic.ids is not None and synthetic.count > 1:
        raise ControlError("ids has fewer entries than count")
    sending = _send(sandbox, app, synthetic, names)
    if synthetic.wait:
        await sending
    else:
        sandbox.courier.start(sending)
    return {"pushed": len(names), "event_ids": names}


async def _send(sandbox: Sandbox, app: AppConfig, synthetic: Synthetic, names: list[str]) -> None:
    """In slices, so that everything else goes on, and never faster than the sockets take it."""
    event = msgspec.json.encode(synthetic.event).decode()
    started = time.monotonic()
    for index, name in enumerate(names):
        payload = _payload(sandbox, app, synthetic, event.replace("$n", str(index)), name)
        if synthetic.raw is not None:
            payload = synthetic.raw.replace("$n", str(index)).encode()
        sandbox.courier.push(app, payload, event_id=name, event_type=synthetic.type)
        if synthetic.per_second is not None:
            due = started + (index + 1) / synthetic.per_second
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        elif index % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
            await sandbox.courier.wait_for_room(app.app_id)


def _payload(sandbox: Sandbox, app: AppConfig, synthetic: Synthetic, event: str, name: str) -> bytes:
    body = msgspec.json.decode(event)
    if synthetic.schema == "1.0":
        return envelopes.schema_1(app, synthetic.type, body, uuid=name, seconds=sandbox.world.clock())
    create_time = str(sandbox.world.now_ms)
    return envelopes.schema_2(app, synthetic.type, body, event_id=name, create_time=create_time)


async def books(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """Everything that was pushed and what became of it. `limit`: the newest so many; `events=false` leaves the list out."""
    world, query = sandbox.world, request.query_params
    app_id = query.get("app_id")
    pushes = world.books.of(app_id, after=number(request, "after", 0))
    shown = pushes[max(0, len(pushes) - number(request, "limit", len(pushes))) :]
    refresh = [
        t.as_book() for t in world.authorizations.refresh_tokens.values() if app_id in {None, t.app_id}
    ]
    listed = query.get("events", "true") != "false"
    return {
        "counts": counts(pushes),
        "events": [push.as_book() for push in shown] if listed else [],
        "refresh_tokens": refresh,
        "refresh_counts": {
            "issued": len(refresh),
            "submissions": sum(token["submissions"] for token in refresh),
            "replays": sum(token["replays"] for token in refresh),
        },
        "connections": [connection.as_book() for connection in world.connections.of(app_id)],
        "connections_opened": world.connections.opened,
        "connections_closed": world.connections.closed,
    }


async def recent(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """The newest calls and pushes, newest first, secrets masked."""
    limit = min(number(request, "limit", 200), 1000)
    app_id = request.query_params.get("app_id")
    return {"calls": sandbox.world.calls.newest(limit=limit, app_id=app_id)}


def routes() -> list[ControlRoute]:
    return [
        command("push", Synthetic, push),
        question("books", books, query=["app_id", "after", "limit", "events"]),
        question("calls", recent, query=["app_id", "limit"]),
    ]
