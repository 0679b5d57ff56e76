"""The books: every event that was pushed, each attempt, and what became of it."""

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

PushKind: TypeAlias = Literal["event", "callback"]
State: TypeAlias = Literal["waiting", "in_flight", "acked", "failed"]
Outcome: TypeAlias = Literal[
    "in_flight", "acked", "refused", "timeout", "no_connection", "closed", "congested", "unreachable"
]


class Attempt(Struct):
    """One try. Times are milliseconds; `connection` is the device id or the webhook's URL."""

    at: float
    connection: str
    outcome: Outcome = "in_flight"
    code: int | None = None
    latency_ms: float | None = None


class AppAnswer(Struct, frozen=True):
    """How an attempt ended; `data` is the callback's response, as its bytes came."""

    outcome: Outcome
    code: int | None = None
    data: bytes | None = None


class Push(Struct, eq=False):
    """An event on its way to an app."""

    number: int
    app_id: str
    kind: PushKind
    event_id: str
    event_type: str
    payload: bytes
    created_at: float
    state: State = "waiting"
    attempts: list[Attempt] = field(default_factory=list)
    acked_code: int | None = None
    acked_at: float | None = None
    next_at: float | None = None
    late_acks: int = 0
    bad_acks: int = 0
    answer: asyncio.Future[AppAnswer] | None = None
    timer: asyncio.TimerHandle | None = None

    def as_book(self) -> dict[str, Any]:
        last = self.attempts[-1] if self.attempts else None
        return {
            "number": self.number,
            "app_id": self.app_id,
            "kind": self.kind,
            "event_id": self.event_id,
            "event_type": self.event_type,
            "bytes": len(self.payload),
            "created_at": self.created_at,
            "state": self.state,
            "attempts": self.attempts,
            "acked_code": self.acked_code,
            "acked_at": self.acked_at,
            "ack_ms": last.latency_ms if last and self.state == "acked" else None,
            "next_at": self.next_at,
            "late_acks": self.late_acks,
            "bad_acks": self.bad_acks,
        }


class Books:
    """All pushes, the oldest forgotten."""

    def __init__(self, keep: int) -> None:
        self._pushes: deque[Push] = deque(maxlen=keep)
        self._numbers = itertools.count(1)

    def open(
        self, *, app_id: str, kind: PushKind, event_id: str, event_type: str, payload: bytes, now: float
    ) -> Push:
        push = Push(
            number=next(self._numbers),
            app_id=app_id,
            kind=kind,
            event_id=event_id,
            event_type=event_type,
            payload=payload,
            created_at=now,
        )
        self._pushes.append(push)
        return push

    def of(self, app_id: str | None, *, after: int = 0) -> list[Push]:
        """Oldest first, those numbered higher than `after`."""
        return [push for push in self._pushes if push.number > after and app_id in {None, push.app_id}]

    def waiting(self) -> list[Push]:
        return [push for push in self._pushes if push.timer is not None]


def counts(pushes: Iterable[Push]) -> dict[str, int]:
    """How many there are in each state, and how many attempts it took."""
    states: Counter[str] = Counter()
    for push in pushes:
        states["pushed"] += 1
        states[push.state] += 1
        states["attempts"] += len(push.attempts)
        states["late_acks"] += push.late_acks
        states["bad_acks"] += push.bad_acks
    names = ("pushed", "waiting", "in_flight", "acked", "failed", "attempts", "late_acks", "bad_acks")
    return {name: states[name] for name in names}
