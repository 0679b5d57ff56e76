"""The long connections that are open, and the tickets that open one."""

import asyncio
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from feishu.frames import Frame
from sandbox.world import ids
from sandbox.world.deliveries import Push

TICKET_SECONDS = 300
SERVICE_ID = 33554678
_OUTBOX = 20_000
_TICKETS = 10_000
_OVERDUE = 1_000


class Wire(Protocol):
    """A socket without the server around it; see `sandbox.wire`."""

    def divert(self, taker: Callable[[bytes], bool] | None) -> None: ...

    def write_binary(self, contents: Iterable[bytes]) -> None: ...

    def break_off(self, content: bytes) -> None: ...

    def write_close(self, code: int, reason: str) -> None: ...


@dataclass(slots=True, eq=False)
class Flight:
    """A push that was handed to a connection and waits for its ack; only one of `frames` may come back."""

    push: Push
    message_id: str
    frames: tuple[Frame, ...]
    attempt: int
    written_at: float = 0.0
    deadline: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class Written:
    """Bytes for the socket; `flight` is set on the last piece of a push. Text goes out as a text frame."""

    data: bytes | str
    flight: Flight | None = None


@dataclass(slots=True, eq=False)
class Connection:
    """One socket. `opened_at` and `last_ping_at` are seconds of the epoch."""

    device_id: str
    app_id: str
    opened_at: float
    abort: Callable[[], None]
    hold: Callable[[], None]
    wire: Wire | None = None
    service_id: int = SERVICE_ID
    instance_id: str = field(default_factory=lambda: secrets.token_hex(8))
    outbox: asyncio.Queue[Written] = field(default_factory=lambda: asyncio.Queue(_OUTBOX))
    in_flight: dict[str, Flight] = field(default_factory=dict)
    overdue: deque[tuple[str, Push]] = field(default_factory=lambda: deque(maxlen=_OVERDUE))
    last_ping_at: float | None = None
    pings: int = 0
    acks: int = 0
    strange_frames: int = 0
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    close_code: int = 1000
    close_reason: str = ""
    silent: bool = False

    def close(self, code: int, reason: str = "") -> None:
        """Ask the route that owns the socket to close it politely."""
        self.close_code, self.close_reason = code, reason
        self.closing.set()

    def as_book(self) -> dict[str, Any]:
        return {
            "device_id": self.device_id,
            "app_id": self.app_id,
            "opened_at": self.opened_at,
            "last_ping_at": self.last_ping_at,
            "pings": self.pings,
            "acks": self.acks,
            "strange_frames": self.strange_frames,
            "in_flight": len(self.in_flight),
            "outbox": self.outbox.qsize(),
        }


@dataclass(slots=True)
class Ticket:
    app_id: str
    device_id: str
    access_key: str
    expires_at: float


class Connections:
    """Who is connected, app by app."""

    def __init__(self) -> None:
        self._by_app: dict[str, list[Connection]] = {}
        self._tickets: OrderedDict[str, Ticket] = OrderedDict()
        self.opened = 0
        self.closed = 0

    def new_ticket(self, app_id: str, now: float) -> tuple[str, Ticket]:
        value = ids.ticket()
        ticket = Ticket(app_id, ids.device_id(), secrets.token_hex(16), now + TICKET_SECONDS)
        self._tickets[value] = ticket
        if len(self._tickets) > _TICKETS:
            self._tickets.popitem(last=False)
        return value, ticket

    def redeem(self, value: str, device_id: str, access_key: str, now: float) -> Ticket | None:
        """The ticket, which works once and for a few minutes."""
        ticket = self._tickets.pop(value, None)
        if ticket is None or (ticket.device_id, ticket.access_key) != (device_id, access_key):
            return None
        return ticket if now < ticket.expires_at else None

    def add(self, connection: Connection) -> None:
        self._by_app.setdefault(connection.app_id, []).append(connection)
        self.opened += 1

    def remove(self, connection: Connection) -> None:
        """It counts no longer; one that was forgotten before does not anyway."""
        opened = self._by_app[connection.app_id]
        if connection in opened:
            opened.remove(connection)
            self.closed += 1

    def of(self, app_id: str | None) -> list[Connection]:
        if app_id is not None:
            return list(self._by_app.get(app_id, ()))
        return [connection for connections in self._by_app.values() for connection in connections]

    def choose(self, app_id: str) -> Connection | None:
        """Any of an app's connections, all with equal chances (cluster mode, no broadcast)."""
        connections = self._by_app.get(app_id)
        return secrets.choice(connections) if connections else None
