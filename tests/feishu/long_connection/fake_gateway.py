"""A gateway of the platform on loopback, and an observer that remembers; for connection tests."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx2
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from feishu.credentials import AppCredentials
from feishu.errors import FeishuError
from feishu.frames import CONTROL, DATA, Frame, decode, encode
from feishu.long_connection.address import new_client
from feishu.long_connection.connection import Connection, Message, Reply, Sink, Timing
from feishu.long_connection.ending import ConnectionEnding
from feishu.outgoing import Route
from feishu.platforms import Platform

PATIENCE = 60
SERVICE = 33554678
TICKET = "7c0a3c1e-secret-ticket"
CREDENTIALS = AppCredentials(
    "cli_a1b2c3d4e5f60718", "s3cr3t", Platform("http://platform.test", "http://platform.test")
)
QUICK = Timing(
    # What a test does not want to run out lasts as long as on the busiest machine.
    credentials=30.0,
    discovery=30.0,
    dial=30.0,
    write=30.0,
    close=0.3,
    drain=0.3,
    sink=30.0,
    settled=0.02,
    first_delay=0.01,
    longest_delay=0.05,
    second=0.01,
)

Discover = Callable[[httpx2.Request], Awaitable[httpx2.Response]]


class FakeGateway:
    """Serves one app: answers discovery, accepts sockets, answers pings, keeps what it is told."""

    def __init__(self) -> None:
        self.answers_pings = True
        self.pong_payload = b""
        self.query = f"fpid=493&device_id=7400000000000000001&service_id={SERVICE}&ticket={TICKET}"
        self.client_config: dict[str, Any] = {"PingInterval": 10}
        self.scheme = "ws"
        self.discover: list[Discover] = []
        self.secrets: list[str] = []
        self.pings: list[Frame] = []
        self.acks: asyncio.Queue[Frame] = asyncio.Queue()
        self.sockets: list[ServerConnection] = []
        self.refusal: tuple[int, dict[str, str]] | None = None
        self._opened = asyncio.Condition()
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve, "127.0.0.1", 0, process_request=self._process, close_timeout=0.2, max_size=None
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def client(self, route: Route) -> httpx2.AsyncClient:
        """Asks this gateway; through a proxy, whatever answers there."""
        return (
            new_client(route)
            if route.proxy
            else httpx2.AsyncClient(transport=httpx2.MockTransport(self._discover))
        )

    async def socket(self, number: int = 1) -> ServerConnection:
        """The so-manieth socket, once it is open."""
        async with asyncio.timeout(PATIENCE), self._opened:
            await self._opened.wait_for(lambda: len(self.sockets) >= number)
        return self.sockets[number - 1]

    async def push(self, *frames: bytes, number: int = 1) -> None:
        socket = await self.socket(number)
        for frame in frames:
            await socket.send(frame)

    async def ack(self) -> Frame:
        async with asyncio.timeout(PATIENCE):
            return await self.acks.get()

    async def _discover(self, request: httpx2.Request) -> httpx2.Response:
        self.secrets.append(json.loads(request.content)["AppSecret"])
        if self.discover:
            return await self.discover.pop(0)(request)
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return self.address(port)

    def address(self, port: int) -> httpx2.Response:
        """Discovery's answer for a gateway on this port."""
        url = f"{self.scheme}://127.0.0.1:{port}/ws/v2?{self.query}"
        data = {"URL": url, "ClientConfig": self.client_config}
        return httpx2.Response(200, json={"code": 0, "msg": "", "data": data})

    def _process(self, connection: ServerConnection, _request: Request) -> Response | None:
        if self.refusal is None:
            return None
        status, headers = self.refusal
        response = connection.respond(status, "no")
        for name, value in headers.items():
            response.headers[name] = value
        return response

    async def _serve(self, socket: ServerConnection) -> None:
        async with self._opened:
            self.sockets.append(socket)
            self._opened.notify_all()
        try:
            async for data in socket:
                assert isinstance(data, bytes)
                frame = decode(data)
                if frame.method == DATA:
                    self.acks.put_nowait(frame)
                    continue
                self.pings.append(frame)
                if self.answers_pings:
                    await socket.send(pong(self.pong_payload))
        except ConnectionClosed:
            pass


class Diary:
    """An observer that writes everything down."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, Any]] = []
        self.failures: list[tuple[FeishuError, int, bool, float]] = []
        self.endings: list[ConnectionEnding] = []
        self.waits: list[float] = []
        self._written = asyncio.Event()

    def connecting(self) -> None:
        self._write("connecting", None)

    def connected(self, device_id: str) -> None:
        self._write("connected", device_id)

    def disconnected(self, ending: ConnectionEnding) -> None:
        self.endings.append(ending)
        self._write("disconnected", str(ending))

    def waiting(self, seconds: float) -> None:
        self.waits.append(seconds)

    def failed(self, error: FeishuError, *, attempt: int, fatal: bool, retry_in: float) -> None:
        self.failures.append((error, attempt, fatal, retry_in))
        self._write("failed", error)

    def frame(self, message: Message) -> None:
        self._write("frame", message.message_id)

    def heartbeat(self, interval: float | None, *, expected: float) -> None:
        self._write("heartbeat", (interval, expected))

    def count(self, kind: str) -> int:
        return sum(1 for name, _ in self.entries if name == kind)

    async def until(self, kind: str, number: int = 1) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.count(kind) < number:
                self._written.clear()
                await self._written.wait()

    def _write(self, kind: str, detail: Any) -> None:
        self.entries.append((kind, detail))
        self._written.set()


def event(
    message_id: str = "m1",
    payload: bytes = b"{}",
    *,
    kind: str = "event",
    total: int = 1,
    index: int = 0,
    extra: tuple[tuple[str, str], ...] = (),
) -> bytes:
    return encode(
        Frame(
            seq_id=7,
            log_id=8,
            service=SERVICE,
            method=DATA,
            headers=(
                ("type", kind),
                ("message_id", message_id),
                ("trace_id", "t1"),
                ("sum", str(total)),
                ("seq", str(index)),
                *extra,
            ),
            payload=payload,
        )
    )


def pong(payload: bytes = b"") -> bytes:
    return encode(Frame(service=SERVICE, method=CONTROL, headers=(("type", "pong"),), payload=payload))


async def accept(_message: Message) -> Reply:
    return Reply()


async def known() -> AppCredentials:
    return CREDENTIALS


class Running(asyncio.Task[None]):
    connection: Connection


@asynccontextmanager
async def running(
    gateway: FakeGateway, diary: Diary, sink: Sink = accept, **options: Any
) -> AsyncIterator[Running]:
    """A connection that runs while the block does."""
    arguments = {"credentials": known, "timing": QUICK, **options}
    connection = Connection(sink=sink, observer=diary, client=gateway.client, **arguments)
    task = Running(connection.run())
    task.connection = connection
    try:
        yield task
    finally:
        task.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(task, return_exceptions=True)
