"""What is broken on purpose, for one app or for all. Shapes of the control API as well."""

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

Drop: TypeAlias = Literal["before", "middle", "after"]
Encoding: TypeAlias = Literal["gzip", "deflate", "not_gzip"]
Spoiled: TypeAlias = Literal[
    "html", "sign_in", "redirect", "gbk", "string_numbers", "no_refresh_token", "no_scope"
]
Times: TypeAlias = Annotated[int, Meta(ge=1)] | None
Delay: TypeAlias = Annotated[float, Meta(ge=0, le=600)]
CloseCode: TypeAlias = Annotated[int, Meta(ge=1000, le=4999)]

LONGEST_REASON: Final = 123
"""Bytes that a close frame has room for beside its code (RFC 6455, section 5.5)."""


def check_reason(reason: str) -> None:
    """Raises ValueError for a reason that no close frame can carry."""
    if len(reason.encode()) > LONGEST_REASON:
        raise ValueError(f"a close reason has at most {LONGEST_REASON} bytes")


class DiscoveryFault(Struct, forbid_unknown_fields=True, kw_only=True):
    """`POST /callback/ws/endpoint` answers a code, an HTTP status, or late (seconds); `drop` and `answer` as of a call."""

    code: int = 0
    msg: str = ""
    http_status: int = 200
    data: Literal["object", "null", "absent"] = "object"
    hang: Delay = 0.0
    drop: Drop | None = None
    answer: Spoiled | None = None
    times: Times = None


class HandshakeFault(Struct, forbid_unknown_fields=True, kw_only=True):
    """The WebSocket upgrade is refused; `headers` False leaves the `Handshake-*` headers out."""

    status: int = 514
    autherrcode: int | None = None
    msg: str = "refused on purpose"
    headers: bool = True
    hang: Delay = 0.0
    times: Times = None


class Closing(Struct, forbid_unknown_fields=True, kw_only=True):
    """The gateway closes each new connection `after` so many seconds, with a code and a reason.

    A code that no close frame may carry (1005, 1006, 1015, 1016 to 2999) is sent all the same.
    """

    code: CloseCode = 1011
    reason: str = ""
    after: Delay = 0.0
    times: Times = None

    def __post_init__(self) -> None:
        check_reason(self.reason)


class ConnectionFault(Struct, forbid_unknown_fields=True, kw_only=True):
    """Open connections misbehave.

    `silent`: half open, nothing is read or written any more. `pongs` False: application pings stay
    unanswered. `pong_config`: the JSON of the next pongs, complete or not. `pong_encoding`: they come compressed.
    """

    silent: bool = False
    pongs: bool = True
    pong_config: dict[str, Any] | None = None
    pong_encoding: Encoding | None = None
    closing: Closing | None = None


class DeliveryFault(Struct, forbid_unknown_fields=True, kw_only=True):
    """Events arrive twice, in a wrong order, in pieces, compressed, or break off.

    `duplicate`: each event is pushed twice. `new_event_id`: what is pushed again carries a new event id.
    `shuffle`: what waits in a connection's outbox is sent in random order. `chunks`: pieces per event.
    `encoding`: payloads of frames are compressed and say so in `payload_encoding`; "not_gzip" says so of a plain one.
    `break_off`: the first attempt of each push ends in the middle of its frame or of its body, and the line with it.
    """

    duplicate: bool = False
    new_event_id: bool = False
    shuffle: bool = False
    chunks: Annotated[int, Meta(ge=1, le=1000)] = 1
    shuffle_chunks: bool = False
    lose_chunk: bool = False
    card_frames: bool = False
    encoding: Encoding | None = None
    break_off: bool = False


class CallFault(Struct, forbid_unknown_fields=True, kw_only=True):
    """An HTTP call fails: a code, an HTTP status, a latency in seconds, or the line goes dead.

    `drop` "before": the connection is cut and nothing was done; "after": it was done, the answer is lost; "middle": it
    was done, and the body of the answer ends half way.
    `answer`: "html" (502), "sign_in" (a proxy's page, 200) and "redirect" (307) come instead, and nothing was done; the
    others change what the platform answers: in GBK, numbers as texts, without a new refresh token, without scopes.
    `path` limits OpenAPI faults to paths that begin with it. `reset`: seconds of `x-ogw-ratelimit-reset`.
    `share`: how many of the calls suffer, evenly spread: 0.03 is every thirty-third.
    """

    code: int = 0
    msg: str = ""
    error: str = ""
    http_status: int = 400
    latency: Delay = 0.0
    drop: Drop | None = None
    answer: Spoiled | None = None
    path: str = ""
    reset: int | None = None
    share: Annotated[float, Meta(gt=0, le=1)] = 1.0
    times: Times = None

    @property
    def instead(self) -> bool:
        """Whether another's page comes instead of the platform's answer."""
        return self.answer in {"html", "sign_in", "redirect"}


class Faults(Struct, forbid_unknown_fields=True, kw_only=True):
    """Everything that can be broken; what is left out works."""

    discovery: DiscoveryFault | None = None
    handshake: HandshakeFault | None = None
    connection: ConnectionFault = msgspec.field(default_factory=ConnectionFault)
    delivery: DeliveryFault = msgspec.field(default_factory=DeliveryFault)
    token: CallFault | None = None
    openapi: CallFault | None = None


class FaultBoard:
    """The faults of each app, and those of all others."""

    def __init__(self) -> None:
        self._of_all = Faults()
        self._of_app: dict[str, Faults] = {}
        self._owed = 0.0

    def put(self, app_id: str | None, faults: Faults) -> None:
        if app_id is None:
            self._of_all = faults
        else:
            self._of_app[app_id] = faults

    def clear(self) -> None:
        self._of_all = Faults()
        self._of_app.clear()

    def of(self, app_id: str | None) -> Faults:
        return self._of_app.get(app_id or "", self._of_all)

    def discovery(self, app_id: str) -> DiscoveryFault | None:
        faults = self.of(app_id)
        fault = faults.discovery
        if fault is not None and _spent(fault):
            faults.discovery = None
        return fault

    def handshake(self, app_id: str) -> HandshakeFault | None:
        faults = self.of(app_id)
        fault = faults.handshake
        if fault is not None and _spent(fault):
            faults.handshake = None
        return fault

    def closing(self, app_id: str) -> Closing | None:
        """How a connection that opens now is going to end."""
        connection = self.of(app_id).connection
        closing = connection.closing
        if closing is not None and _spent(closing):
            connection.closing = None
        return closing

    def token(self, app_id: str) -> CallFault | None:
        faults = self.of(app_id)
        fault = faults.token
        if fault is None or not self._strikes(fault.share):
            return None
        if _spent(fault):
            faults.token = None
        return fault

    def openapi(self, app_id: str | None, path: str) -> CallFault | None:
        faults = self.of(app_id)
        fault = faults.openapi
        if fault is None or not path.startswith(fault.path) or not self._strikes(fault.share):
            return None
        if _spent(fault):
            faults.openapi = None
        return fault

    def _strikes(self, share: float) -> bool:
        """Whether this call is one of those that suffer."""
        self._owed += share
        if self._owed < 1.0:
            return False
        self._owed -= 1.0
        return True


def _spent(fault: DiscoveryFault | HandshakeFault | Closing | CallFault) -> bool:
    """Count one use; whether it was the last."""
    if fault.times is None:
        return False
    fault.times -= 1
    return fault.times == 0
