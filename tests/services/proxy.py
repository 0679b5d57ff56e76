"""A small HTTP proxy on loopback that counts what goes through it: CONNECT tunnels, and requests with a whole address."""

import base64
import contextlib
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import urlsplit

Mood = Literal["open", "broken", "forbidding", "silent", "gibberish"]
ANSWERS: dict[Mood, bytes] = {"broken": b"502 Bad Gateway", "forbidding": b"403 Forbidden"}
_STEP = 65536


@dataclass
class Traffic:
    """Targets in the order in which they were asked for, as ``host:port``."""

    tunnels: list[str] = field(default_factory=list)
    forwarded: list[str] = field(default_factory=list)
    refused: int = 0

    @property
    def total(self) -> int:
        return len(self.tunnels) + len(self.forwarded)


class LoopbackProxy:
    """Runs in threads of its own from entering to leaving.

    ``user``/``password``: what it wants to hear, if anything. ``mood``: ``broken`` answers 502, ``forbidding`` 403, ``silent`` never
    answers, ``gibberish`` does not speak HTTP.
    """

    def __init__(self, *, user: str = "", password: str = "", mood: Mood = "open") -> None:
        self.user = user
        self.password = password
        self.mood: Mood = mood
        self.traffic = Traffic()
        self._open: set[socket.socket] = set()
        self._released = threading.Event()

    @property
    def address(self) -> str:
        """Without user and password."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def __enter__(self) -> Self:
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                proxy._open.add(self.request)
                with contextlib.suppress(OSError):
                    proxy._serve(self.request)
                proxy._open.discard(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 512

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        for channel in list(self._open):
            with contextlib.suppress(OSError):
                channel.shutdown(socket.SHUT_RDWR)

    def _serve(self, client: socket.socket) -> None:
        head, rest = _head(client)
        if not head:
            return
        if self.mood == "silent":
            self._released.wait(60)
            return
        if self.mood == "gibberish":
            client.sendall(b"220 mail.test ESMTP\r\n\r\n")
            return
        if not self._admits(head):
            self.traffic.refused += 1
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        if self.mood in ANSWERS:
            client.sendall(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % ANSWERS[self.mood])
            return
        self._pass_on(client, head, rest)

    def _admits(self, head: list[bytes]) -> bool:
        if not self.user:
            return True
        pair = base64.b64encode(f"{self.user}:{self.password}".encode())
        return any(line.lower() == b"proxy-authorization: basic " + pair.lower() for line in head) and any(
            line.endswith(pair) for line in head
        )

    def _pass_on(self, client: socket.socket, head: list[bytes], rest: bytes) -> None:
        method, target, version = head[0].decode("ascii").split(" ")
        if method == "CONNECT":
            self.traffic.tunnels.append(target)
            host, _, port = target.rpartition(":")
            with socket.create_connection((host.strip("[]"), int(port)), timeout=10) as upstream:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _both_ways(client, upstream)
            return
        address = urlsplit(target)
        self.traffic.forwarded.append(f"{address.hostname}:{address.port or 80}")
        path = address._replace(scheme="", netloc="").geturl() or "/"
        kept = [line for line in head[1:] if not line.lower().startswith((b"proxy-", b"connection:"))]
        lines = [f"{method} {path} {version}".encode(), *kept, b"Connection: close", b"", b""]
        with socket.create_connection((address.hostname or "", address.port or 80), timeout=10) as upstream:
            upstream.sendall(b"\r\n".join(lines) + rest)
            _both_ways(client, upstream)


def _head(client: socket.socket) -> tuple[list[bytes], bytes]:
    """The lines of the request's head, and what came after it."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = client.recv(_STEP)
        if not chunk:
            return [], b""
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), rest


def _both_ways(client: socket.socket, upstream: socket.socket) -> None:
    upstream.settimeout(None)
    back = threading.Thread(target=_copy, args=(upstream, client), daemon=True)
    back.start()
    _copy(client, upstream)
    back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_STEP):
            sink.sendall(chunk)
    for channel in (source, sink):
        with contextlib.suppress(OSError):
            channel.shutdown(socket.SHUT_RDWR)
