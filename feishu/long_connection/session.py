"""One long connection without the socket: bytes in, events out.

Follows the official SDK (`lark_oapi/ws/client.py`) on the wire. Nothing a peer sends can raise here: what
cannot be used becomes `Ignored` with the reason.
"""

import base64
import contextlib
import json
from dataclasses import dataclass
from typing import Final, TypeAlias

from msgspec import Struct, structs

from feishu.errors import FrameError
from feishu.frames import CONTROL, DATA, Frame, answer, decode, encode
from feishu.long_connection.compression import NotDecompressed, decompressed
from feishu.long_connection.config import ClientConfig
from feishu.long_connection.fragments import Fragments
from feishu.long_connection.messages import Message, Reply


class MessageReceived(Struct, frozen=True, gc=False):
    """A push is complete and wants an answer."""

    message: Message


@dataclass(frozen=True, slots=True)
class PongReceived:
    """The platform answered a ping."""


@dataclass(frozen=True, slots=True)
class ConfigChanged:
    """A pong brought another configuration, already in force."""

    config: ClientConfig


@dataclass(frozen=True, slots=True)
class Partial:
    """A fragment of a message came; the rest is still to come."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something came that is not for us; `reason` for the log."""

    reason: str


Event: TypeAlias = MessageReceived | PongReceived | ConfigChanged | Partial | Ignored

_OK: Final = b'{"code":200}'


class Session:
    """The state of one connection. `now`: any monotonic clock, in seconds.

    `second`: how long a second of the platform's configuration lasts; tests make it short.
    """

    def __init__(
        self,
        *,
        service_id: int,
        config: ClientConfig,
        now: float,
        second: float = 1.0,
        fragments: Fragments | None = None,
    ) -> None:
        self.config = config
        self.heard_at = now
        """When the last frame came, or the connection began."""
        self.alive = False
        """Whether any frame of the platform has come yet."""
        self._second = second
        self._fragments = Fragments() if fragments is None else fragments
        self._ping = encode(
            Frame(service=service_id, method=CONTROL, headers=(("type", "ping"),)),
        )

    @property
    def deadline(self) -> float:
        """When the connection counts as dead unless a frame comes before."""
        return self.heard_at + self.config.silence * self._second

    @property
    def ping_interval(self) -> float:
        """Seconds between pings."""
        return self.config.ping_interval * self._second

    def ping(self) -> bytes:
        """The frame to send at once and then every `ping_interval` seconds."""
        return self._ping

    def receive(self, data: bytes | str, now: float) -> list[Event]:
        """Take one WebSocket message. Only a frame proves that the platform is there."""
        if isinstance(data, str):
            return [Ignored("a text message")]
        try:
            frame = decode(data)
        except FrameError as error:
            return [Ignored(str(error))]
        self.heard_at = now
        self.alive = True
        if frame.method == DATA:
            return [self._data(frame, now)]
        if frame.method == CONTROL:
            return self._control(frame)
        return [Ignored(f"a frame with method {frame.method}")]

    def ack(self, message: Message, reply: Reply, biz_rt_ms: int) -> bytes:
        """The answer to a message. `biz_rt_ms`: how long handling took, in milliseconds."""
        frame, took = message.frame, ("biz_rt", str(biz_rt_ms))
        if frame.payload_encoding:
            # The answer is not compressed, and must not say that it is.
            plain = structs.replace(
                frame, headers=(*frame.headers, took), payload_encoding="", payload=_payload(reply)
            )
            return encode(plain)
        return answer(frame, _payload(reply), took)

    def _control(self, frame: Frame) -> list[Event]:
        kind = frame.header("type")
        if kind != "pong":
            return [Ignored(f"a control frame of type {kind!r}")]
        payload = frame.payload
        if frame.payload_encoding:
            with contextlib.suppress(NotDecompressed):
                payload = decompressed(payload, frame.payload_encoding)
        config = self.config.merged(_json(payload))
        if config == self.config:
            return [PongReceived()]
        self.config = config
        return [PongReceived(), ConfigChanged(config)]

    def _data(self, frame: Frame, now: float) -> Event:
        headers = dict(reversed(frame.headers))  # the first of a name counts, as in the SDKs
        kind = headers.get("type")
        if kind not in {"event", "card"}:
            return Ignored(f"a data frame of type {kind!r}")
        payload, message_id = frame.payload, headers.get("message_id", "")
        if headers.get("sum") != "1" and (total := _number(headers.get("sum"))) > 1:
            try:
                whole = self._fragments.add(
                    message_id, index=_number(headers.get("seq")), total=total, content=payload, now=now
                )
            except ValueError as error:
                return Ignored(str(error))
            if whole is None:
                return Partial(message_id)
            payload = whole
        if frame.payload_encoding:
            # What does not decompress is handed on as it came: it is stored, quarantined and acknowledged, and read by a person.
            with contextlib.suppress(NotDecompressed):
                payload = decompressed(payload, frame.payload_encoding)
        return MessageReceived(
            Message(
                payload=payload,
                message_id=message_id,
                trace_id=headers.get("trace_id", ""),
                kind="card" if kind == "card" else "event",
                received_at=now,
                frame=frame,
            )
        )


def _payload(reply: Reply) -> bytes:
    if reply.code == 200 and reply.data is None:
        return _OK
    content: dict[str, object] = {"code": reply.code}
    if reply.data is not None:
        content["data"] = base64.b64encode(reply.data).decode("ascii")
    return json.dumps(content, separators=(",", ":")).encode()


def _number(text: str | None) -> int:
    """A decimal header; 0 for what is absent or no number, as the Go SDK reads it."""
    return int(text) if text and len(text) < 10 and text.isascii() and text.isdecimal() else 0


def _json(payload: bytes) -> object:
    try:
        return json.loads(payload) if payload else None
    except (ValueError, RecursionError):
        return None
