"""`/ws/v2`: the gateway of the long connection. Known from the official SDKs only."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.frames import EXTERNAL_CLOSE_CODES

from feishu.errors import FrameError
from feishu.frames import CONTROL, DATA, decode, encode
from sandbox.delivery.frames import pong
from sandbox.platform.discovery import TOO_MANY_CONNECTIONS
from sandbox.state import Sandbox, sandbox_of
from sandbox.wire import DROP, HOLD, WIRE
from sandbox.world.connections import Connection, Ticket, Written
from sandbox.world.faults import Closing

AUTH_FAILED = 514
_HTTP_STATUS = {403: 403, AUTH_FAILED: 401}
_FREE_CLOSE_CODES = 3000
_FAREWELL_SECONDS = 2


async def gateway(websocket: WebSocket) -> None:
    """One long connection, from the handshake to its end."""
    sandbox = sandbox_of(websocket)
    ticket = await _admit(sandbox, websocket)
    if ticket is None:
        return
    await websocket.accept()
    connection = Connection(
        device_id=ticket.device_id,
        app_id=ticket.app_id,
        opened_at=sandbox.world.clock(),
        abort=_extension(websocket, DROP),
        hold=_extension(websocket, HOLD),
        wire=websocket.scope.get("extensions", {}).get(WIRE),
    )
    sandbox.world.connections.add(connection)
    _announce(sandbox, connection, "connected")
    if sandbox.world.faults.of(connection.app_id).connection.silent:
        connection.hold()
    try:
        await _pump(sandbox, websocket, connection)
    finally:
        sandbox.world.connections.remove(connection)
        sandbox.courier.lost(connection)
        _announce(sandbox, connection, "disconnected")


async def _admit(sandbox: Sandbox, websocket: WebSocket) -> Ticket | None:
    """Redeem the ticket or refuse the handshake with the three `Handshake-*` headers."""
    world, query = sandbox.world, websocket.query_params
    ticket = world.connections.redeem(
        query.get("ticket", ""), query.get("device_id", ""), query.get("access_key", ""), world.clock()
    )
    if ticket is None or ticket.app_id not in world.apps:
        await _refuse(websocket, AUTH_FAILED, "invalid ticket", None)
        return None
    fault = world.faults.handshake(ticket.app_id)
    if fault is not None:
        await asyncio.sleep(fault.hang)
        if fault.status:
            await _refuse(websocket, fault.status, fault.msg, fault.autherrcode, headers=fault.headers)
            return None
    if len(world.connections.of(ticket.app_id)) >= world.apps[ticket.app_id].max_connections:
        await _refuse(websocket, AUTH_FAILED, "exceed connection limit", TOO_MANY_CONNECTIONS)
        return None
    return ticket


async def _refuse(
    websocket: WebSocket, status: int, msg: str, autherrcode: int | None, *, headers: bool = True
) -> None:
    refusal = {
        "Handshake-Status": str(status),
        "Handshake-Msg": msg,
        "Handshake-Autherrcode": str(autherrcode or 0),
    }
    response = Response(status_code=_HTTP_STATUS.get(status, 400), headers=refusal if headers else {})
    await websocket.send_denial_response(response)


async def _pump(sandbox: Sandbox, websocket: WebSocket, connection: Connection) -> None:
    """Read, write and wait for an order to close; the first that ends ends all."""
    jobs = [
        asyncio.ensure_future(job)
        for job in (
            _read(sandbox, websocket, connection),
            _write(sandbox, websocket, connection),
            _close_when_told(websocket, connection, sandbox.world.faults.closing(connection.app_id)),
        )
    ]
    try:
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


async def _read(sandbox: Sandbox, websocket: WebSocket, connection: Connection) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("bytes")
        if data is None:
            connection.strange_frames += 1
            continue
        try:
            frame = decode(data)
        except FrameError:
            connection.strange_frames += 1
            continue
        if frame.method == DATA:
            sandbox.courier.acknowledge(connection, frame)
        elif frame.method == CONTROL and frame.header("type") == "ping":
            _answer_ping(sandbox, connection)
        else:
            connection.strange_frames += 1


async def _write(sandbox: Sandbox, websocket: WebSocket, connection: Connection) -> None:
    while True:
        written = await connection.outbox.get()
        faults = sandbox.world.faults.of(connection.app_id)
        if faults.delivery.shuffle:
            written = _shuffled(connection, written)
        breaks_off = faults.delivery.break_off and written.flight is not None and not written.flight.attempt
        if breaks_off and connection.wire is not None and isinstance(written.data, bytes):
            connection.wire.break_off(written.data)
        elif not (faults.connection.silent or connection.silent):
            try:
                await _send(websocket, written.data)
            except (WebSocketDisconnect, RuntimeError):
                return
        if written.flight is not None:
            sandbox.courier.written(connection, written.flight)


async def _close_when_told(websocket: WebSocket, connection: Connection, closing: Closing | None) -> None:
    try:
        async with asyncio.timeout(closing.after if closing else None):
            await connection.closing.wait()
    except TimeoutError:
        if closing is not None:
            connection.close(closing.code, closing.reason)
    if connection.close_code in EXTERNAL_CLOSE_CODES or connection.close_code >= _FREE_CLOSE_CODES:
        await websocket.close(connection.close_code, connection.close_reason)
    elif connection.wire is not None:
        connection.wire.write_close(connection.close_code, connection.close_reason)
        await asyncio.sleep(_FAREWELL_SECONDS)
        connection.abort()


async def _send(websocket: WebSocket, data: bytes | str) -> None:
    if isinstance(data, bytes):
        await websocket.send_bytes(data)
    else:
        await websocket.send_text(data)


def _answer_ping(sandbox: Sandbox, connection: Connection) -> None:
    connection.pings += 1
    connection.last_ping_at = sandbox.world.clock()
    fault = sandbox.world.faults.of(connection.app_id).connection
    app = sandbox.world.apps.get(connection.app_id)
    if not fault.pongs or app is None or connection.outbox.full():
        return
    config: Any = app.client_config if fault.pong_config is None else fault.pong_config
    payload = msgspec.json.encode(config)
    connection.outbox.put_nowait(Written(encode(pong(connection, payload, fault.pong_encoding))))


def _shuffled(connection: Connection, first: Written) -> Written:
    """Swap what comes next with something that waits behind it."""
    if connection.outbox.empty():
        return first
    other = connection.outbox.get_nowait()
    connection.outbox.put_nowait(first)
    return other


def _announce(sandbox: Sandbox, connection: Connection, state: str) -> None:
    count = len(sandbox.world.connections.of(connection.app_id))
    sandbox.world.watchers.tell(
        "connection", app_id=connection.app_id, device_id=connection.device_id, state=state, count=count
    )


def _extension(websocket: WebSocket, name: str) -> Callable[[], None]:
    extension: Callable[[], None] | None = websocket.scope.get("extensions", {}).get(name)
    return extension or (lambda: None)
