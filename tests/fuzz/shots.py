"""One thing that is sent to the portal, and how it was answered."""

import contextlib
import re
import socket
import time
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import httpx2
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

from feishu.signatures import event_signature

Kind = Literal["http", "socket", "frames", "raw"]
PATIENCE = 30.0
"""Seconds after which whatever has not answered hangs."""
MOST_READ = 4 * 1024 * 1024  # bytes of an answer


@dataclass(frozen=True)
class Shot:
    """A request; or messages to a socket of the console; or frames of the long connection; or bytes as they are, to the port that
    ``target`` names.

    ``headers`` and ``parts`` hold bytes as Latin-1. ``signed_with`` is an Encrypt Key by which a webhook is signed when it
    is sent: a signature is for a moment. ``upstream`` is what the platform or a receiver answers meanwhile, also Latin-1;
    ``is_for_tokens`` where it is asked for the bot's own token as well.
    """

    source: str
    kind: Kind = "http"
    method: str = "GET"
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    parts: tuple[str, ...] = ()
    signed_with: str = ""
    is_text: bool = False
    upstream: str = ""
    is_for_tokens: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(part.encode("latin-1") for part in self.parts)

    def __str__(self) -> str:
        what = f"{self.method} {self.target}" if self.kind == "http" else f"{self.kind} {self.target}"
        told = f" while the upstream says {self.upstream[:600]!r}" if self.upstream else ""
        return f"{self.source}: {what} {self.body[:120]!r}"[:500] + told


@dataclass(frozen=True)
class Answer:
    """``status`` is 0 where there was none; ``said`` is what came, in short."""

    status: int
    seconds: float
    said: str = ""
    content_type: str = ""


class Gun:
    """Sends shots to a portal over connections of its own."""

    def __init__(self, url: str, *, cookie: str) -> None:
        self._url = url
        self._cookie = cookie
        self._http = self._client()

    def close(self) -> None:
        self._http.close()

    def send(self, shot: Shot) -> Answer:
        before = time.monotonic()
        try:
            if shot.kind == "raw":
                return _send_bytes(shot)
            return self._socket(shot) if shot.kind == "socket" else self._request(shot)
        except httpx2.TimeoutException:
            return Answer(0, time.monotonic() - before, "no answer")
        except (httpx2.RemoteProtocolError, httpx2.ReadError) as error:
            # A kept connection may end just then; a second one tells.
            self._http.close()
            self._http = self._client()
            try:
                return self._request(shot)
            except (httpx2.TimeoutException, httpx2.RemoteProtocolError, httpx2.ReadError):
                return Answer(0, time.monotonic() - before, f"the connection ended: {error!r}")
        except (httpx2.LocalProtocolError, httpx2.InvalidURL, httpx2.UnsupportedProtocol):
            return Answer(-1, 0.0, "no request of HTTP")
        except httpx2.TransportError as error:
            return Answer(0, time.monotonic() - before, repr(error))

    def _client(self) -> httpx2.Client:
        return httpx2.Client(timeout=PATIENCE, trust_env=False)

    def _request(self, shot: Shot) -> Answer:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in shot.headers]
        if shot.signed_with:
            stamp = str(int(time.time()))
            signature = event_signature(stamp, "nonce", shot.signed_with, shot.body)
            headers += [
                (b"X-Lark-Request-Timestamp", stamp.encode()), (b"X-Lark-Request-Nonce", b"nonce"),
                (b"X-Lark-Signature", signature.encode()),
            ]  # fmt: skip
        base = httpx2.URL(self._url)
        url = base.copy_with(raw_path=shot.target.encode("latin-1"))
        before = time.monotonic()
        with self._http.stream(shot.method, url, headers=headers, content=shot.body or None) as response:
            seconds = time.monotonic() - before
            kind = response.headers.get("content-type", "")
            said = b""
            if not kind.startswith("text/event-stream"):
                try:
                    for chunk in response.iter_raw():
                        said += chunk
                        if len(said) > MOST_READ:
                            break
                except (httpx2.RemoteProtocolError, httpx2.ReadError):
                    # A relayed answer that was cut is cut for the caller as well.
                    if not (shot.upstream and shot.target.startswith("/proxy/")):
                        raise
                seconds = time.monotonic() - before
            return Answer(response.status_code, seconds, said[:300].decode("utf-8", "replace"), kind)

    def _socket(self, shot: Shot) -> Answer:
        address = self._url.replace("http", "ws", 1) + shot.target
        before = time.monotonic()
        try:
            with connect(
                address, origin=self._url, additional_headers={"Cookie": self._cookie}, open_timeout=PATIENCE,  # type: ignore[arg-type]
                close_timeout=PATIENCE, max_size=None, proxy=None,
            ) as socket:  # fmt: skip
                for part in shot.parts:
                    socket.send(
                        part.encode("latin-1").decode("utf-8", "replace")
                        if shot.is_text
                        else part.encode("latin-1")
                    )
                said = socket.recv(timeout=PATIENCE)
                return Answer(101, time.monotonic() - before, str(said)[:300])
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
            return Answer(
                500 if code in {1006, 1011} else 101, time.monotonic() - before, f"closed with {code}"
            )
        except InvalidHandshake as error:
            return Answer(403, time.monotonic() - before, str(error)[:300])
        except TimeoutError:
            return Answer(0, time.monotonic() - before, "the socket says nothing")


def _send_bytes(shot: Shot) -> Answer:
    """To a server of HTTP, which is told that no more come. The status is -1 where it hangs up without a word."""
    address = urlsplit(shot.target)
    before, said = time.monotonic(), b""
    place = address.hostname or "", address.port or 80
    try:
        with socket.create_connection(place, timeout=PATIENCE) as connection:
            try:
                connection.sendall(shot.body)
                connection.shutdown(socket.SHUT_WR)
            except TimeoutError:
                raise
            except OSError:
                pass  # it has hung up already, and may have said why
            with contextlib.suppress(ConnectionError):
                while len(said) < MOST_READ and (more := connection.recv(65_536)):
                    said += more
    except OSError as error:
        return Answer(0, time.monotonic() - before, repr(error))
    status = re.match(rb"HTTP/1\.[01] (\d{3})", said)
    kind = re.search(rb"(?im)^content-type: *([^\r\n]*)", said)
    return Answer(
        int(status[1]) if status else -1,
        time.monotonic() - before,
        said[:300].decode("utf-8", "replace"),
        kind[1].decode("latin-1") if kind else "",
    )
