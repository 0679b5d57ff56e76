"""Thousands of events a second down one connection, each timed: how much does the other end take?

The courier keeps a book on every event, which costs more than the event is worth where speed is the question. Here an
event is a few bytes put into a prepared frame, and its answer is held against the beginning of that frame.
"""

import asyncio
import re
import secrets
import time
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from feishu.frames import DATA, Frame, encode
from sandbox.world import ids
from sandbox.world.connections import SERVICE_ID, Wire

MARK: Final = "00000000000000000000000000000001"
"""Stands for the event's own 32 hexadecimal digits: in the frame's message id and wherever the payload has it."""

_SILENCE: Final = 10.0
"""Seconds without any answer after which what is open counts as unanswered."""
_PORTION: Final = 32
"""Events that are written at once where nothing else says how many."""
_GOOD = re.compile(rb'"code":\s*200\b')

Moment: TypeAlias = float


class FloodOutcome(Struct, frozen=True):
    """What became of a flood. Times are milliseconds from when an event was due to its answer; `late_ms`: from when it
    was due to when it was written."""

    answered: int
    refused: int
    strange: int
    unanswered: int
    seconds: float
    per_second: float
    p50_ms: float
    p99_ms: float
    longest_ms: float
    late_ms: float


class Flood:
    """Pushes `count` events through `wire`: as fast as they are answered, `window` of them unanswered at a time; or, if
    `per_second` is set, each when it is due, however many are unanswered."""

    def __init__(
        self, wire: Wire, payload: bytes, *, count: int, window: int, per_second: float | None
    ) -> None:
        self._wire = wire
        self._count = count
        self._window = window
        self._portion = max(1, min(_PORTION, window // 4))
        self._per_second = per_second
        self._template = _Template(payload)
        self._open: dict[bytes, Moment] = {}
        self._sent = 0
        self._times: list[float] = []
        self._lateness: list[float] = []
        self._refused = self._strange = 0
        self._answered_at = self._started = 0.0
        self._done = asyncio.Event()

    async def run(self) -> FloodOutcome:
        """Until everything is answered, or nothing has been for a while."""
        self._wire.divert(self._take)
        self._answered_at = self._started = time.perf_counter()
        try:
            if self._per_second is None:
                self._fill()
            else:
                await self._keep_pace(self._per_second)
            await self._settle()
        finally:
            self._wire.divert(None)
        return self._outcome()

    async def _keep_pace(self, per_second: float) -> None:
        while self._sent < self._count:
            now = time.perf_counter()
            due = min(self._count, int((now - self._started) * per_second) + 1)
            moments = [self._started + number / per_second for number in range(self._sent, due)]
            self._lateness += [now - moment for moment in moments]
            self._write(moments)
            if not self._open and self._sent < self._count:
                self._answered_at = now  # nobody owes an answer
            await asyncio.sleep(self._started + self._sent / per_second - time.perf_counter())

    async def _settle(self) -> None:
        while not self._done.is_set() and time.perf_counter() < self._answered_at + _SILENCE:
            try:
                async with asyncio.timeout(_SILENCE / 10):
                    await self._done.wait()
            except TimeoutError:
                continue

    def _fill(self) -> None:
        room = min(self._window - len(self._open), self._count - self._sent)
        if room > 0:
            self._write([time.perf_counter()] * room)

    def _write(self, moments: list[Moment]) -> None:
        frames = []
        for moment in moments:
            name, frame = self._template.frame(self._sent)
            self._sent += 1
            self._open[name] = moment
            frames.append(frame)
        if frames:
            self._wire.write_binary(frames)

    def _take(self, data: bytes) -> bool:
        name = self._template.name_of(data)
        due = self._open.pop(name, None)
        if due is None:
            return False
        if not data.startswith(self._template.beginning(name)):
            self._strange += 1
        elif _GOOD.search(data, self._template.length) is None:
            self._refused += 1
        self._answered_at = time.perf_counter()
        self._times.append(self._answered_at - due)
        if self._per_second is None and self._window - len(self._open) >= self._portion:
            self._fill()
        if not self._open and self._sent == self._count:
            self._done.set()
        return True

    def _outcome(self) -> FloodOutcome:
        seconds = max(self._answered_at - self._started, 1e-9)
        times, lateness = sorted(self._times), sorted(self._lateness)
        return FloodOutcome(
            answered=len(times),
            refused=self._refused,
            strange=self._strange,
            unanswered=len(self._open),
            seconds=seconds,
            per_second=len(times) / seconds,
            p50_ms=_quantile(times, 0.5),
            p99_ms=_quantile(times, 0.99),
            longest_ms=_quantile(times, 1.0),
            late_ms=_quantile(lateness, 0.99),
        )


class _Template:
    """A frame around a payload, ready but for the name of the event, and what an answer to it has to begin with."""

    def __init__(self, payload: bytes) -> None:
        frame = Frame(
            seq_id=secrets.randbits(48),
            # The Node SDK returns no more bits than these, and answers are compared byte by byte here.
            log_id=secrets.randbits(53),
            service=SERVICE_ID,
            method=DATA,
            headers=(
                ("type", "event"),
                ("message_id", MARK),
                ("trace_id", ids.log_id()),
                ("sum", "1"),
                ("seq", "0"),
                ("timestamp", str(time.time_ns() // 1_000_000)),
                ("instance_id", secrets.token_hex(8)),
            ),
        )
        head, mark = encode(frame), MARK.encode()
        self.length = len(head)
        self._place = slice(head.index(mark), head.index(mark) + len(mark))
        self._beginning = head.split(mark)
        self._pieces = encode(replace(frame, payload=payload)).split(mark)
        self._series = secrets.token_hex(10)

    def frame(self, number: int) -> tuple[bytes, bytes]:
        """The name of one event, and its frame."""
        name = f"{self._series}{number:012x}".encode()
        return name, name.join(self._pieces)

    def beginning(self, name: bytes) -> bytes:
        """The frame up to its payload: an answer has to repeat it."""
        return name.join(self._beginning)

    def name_of(self, answer: bytes) -> bytes:
        return answer[self._place]


def _quantile(ordered: list[float], share: float) -> float:
    """Of seconds, in milliseconds."""
    return round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3) if ordered else 0.0
