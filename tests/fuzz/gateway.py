"""A platform whose long connection carries what nobody should send: credentials, discovery and sockets, on loopback."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from feishu.errors import FeishuError
from feishu.frames import CONTROL, DATA, Frame, decode, encode
from tests.fuzz.shots import PATIENCE, Answer, Shot

SERVICE = 33554678


class Gateway:
    """Accepts the portal's connections; ``send`` is for other threads."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._socket: WebSocket | None = None
        self._opened = asyncio.Event()
        self._acks: dict[str, asyncio.Event] = {}
        self._numbers = 0
        self.app = Starlette(
            routes=[
                Route("/callback/ws/endpoint", self._discover, methods=["POST"]),
                Route("/{path:path}", self._token, methods=["GET", "POST"]),
                WebSocketRoute("/ws/v2", self._serve),
            ]
        )
        self.loop: asyncio.AbstractEventLoop | None = None

    def send(self, shot: Shot) -> Answer:
        """Sends the frames and then an event, and waits for its acknowledgement."""
        assert self.loop is not None
        before = time.monotonic()
        acked = asyncio.run_coroutine_threadsafe(self._send(shot), self.loop).result(3 * PATIENCE)
        seconds = time.monotonic() - before
        return Answer(
            200 if acked else 0, seconds, "" if acked else "no acknowledgement, nor a new connection"
        )

    async def _send(self, shot: Shot) -> bool:
        """Frames may end the connection; the portal comes back, and takes the next event."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._say(*((part.encode("latin-1"), shot.is_text) for part in shot.parts))
                while not await self._event_is_acked():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False
        return True

    async def _event_is_acked(self) -> bool:
        self._numbers += 1
        name = f"fuzz-{self._numbers}"
        acked = self._acks[name] = asyncio.Event()
        headers = (("type", "event"), ("message_id", name), ("sum", "1"), ("seq", "0"))
        payload = (
            b'{"schema":"2.0","header":{"event_id":"%s","event_type":"x.fuzz_v1"},"event":{}}' % name.encode()
        )
        await self._say(
            (encode(Frame(service=SERVICE, method=DATA, headers=headers, payload=payload)), False)
        )
        try:
            async with asyncio.timeout(PATIENCE / 4):
                await acked.wait()
        except TimeoutError:
            return False
        finally:
            del self._acks[name]
        return True

    async def _say(self, *messages: tuple[bytes, bool]) -> None:
        for message, is_text in messages:
            await self._opened.wait()
            socket = self._socket
            if socket is None:
                continue
            try:
                await (socket.send_text(message.decode("latin-1")) if is_text else socket.send_bytes(message))
            except (RuntimeError, WebSocketDisconnect):
                self._forget(socket)

    # --- the platform

    async def _discover(self, request: Request) -> JSONResponse:
        address = f"ws://{request.url.netloc}/ws/v2?device_id=1&service_id={SERVICE}&ticket=t"
        config = {"PingInterval": 10, "ReconnectNonce": 0, "ReconnectInterval": 1, "ReconnectCount": -1}
        return JSONResponse({"code": 0, "msg": "", "data": {"URL": address, "ClientConfig": config}})

    async def _token(self, _request: Request) -> JSONResponse:
        return JSONResponse(
            {"code": 0, "msg": "ok", "tenant_access_token": "t-fuzz", "expire": 7140, "data": {}}
        )

    async def _serve(self, socket: WebSocket) -> None:
        await socket.accept()
        self._socket = socket
        self._opened.set()
        try:
            while True:
                await self._hear(socket, decode(await socket.receive_bytes()))
        except (WebSocketDisconnect, KeyError, RuntimeError, FeishuError):
            pass
        finally:
            self._forget(socket)
            if socket.client_state is WebSocketState.CONNECTED:
                await socket.close()

    async def _hear(self, socket: WebSocket, frame: Frame) -> None:
        if frame.method == DATA:
            if acked := self._acks.get(frame.header("message_id")):
                acked.set()
        else:
            await socket.send_bytes(
                encode(Frame(service=SERVICE, method=CONTROL, headers=(("type", "pong"),)))
            )

    def _forget(self, socket: WebSocket) -> None:
        if self._socket is socket:
            self._socket = None
            self._opened.clear()


@contextmanager
def running_gateway(port: int) -> Iterator[Gateway]:
    gateway = Gateway(port)
    config = uvicorn.Config(gateway.app, port=port, log_config=None, access_log=False, ws_max_size=2**26)
    server = uvicorn.Server(config)

    async def serve() -> None:
        gateway.loop = asyncio.get_running_loop()
        await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="gateway", daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        yield gateway
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
