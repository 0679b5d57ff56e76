"""The machine's clock against the platform's, by the `Date` of its answers.

A machine whose clock is wrong takes every message for hours old. One `Date` proves nothing: a proxy may write its own, a
cache an old one. So several answers have to agree, and of several platforms the one that agrees with the machine decides.
"""

import logging
import statistics
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from feishu.long_connection.sleep import counting_sleep

logger = logging.getLogger("feishu.clock")

TOLERANCE: Final = 60.0
"""Seconds of difference that are nobody's concern."""
_TOLERANCE: Final = timedelta(seconds=TOLERANCE)
FEWEST: Final = 3
"""Answers of one host before its clock is judged."""
KEPT: Final = 15
MAX_HOSTS: Final = 50
AGREEMENT: Final = 30.0
"""Seconds around the median within which two thirds of the answers have to lie."""
SLOWEST: Final = 5.0
"""Seconds that an answer may have taken; of a slower one nobody knows when it was written."""
LOG_EVERY: Final = 600.0
_EARLIEST: Final = 1_700_000_000.0
"""In 2023: no platform says that it is earlier."""
_NOT_THE_PLATFORM: Final = frozenset({407, 502, 503, 504})
"""Statuses that proxies and gateways on the way answer with."""


class PlatformClock:
    """Thread-safe. `wall`: this machine's clock, seconds since 1970; `steady`: one that is never set, counting sleep."""

    def __init__(
        self, *, wall: Callable[[], float] = time.time, steady: Callable[[], float] = counting_sleep
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._lock = threading.Lock()
        # The platform's time when `steady` was 0, once for each answer: it stays right when the machine's clock is set.
        self._answers: OrderedDict[str, deque[float]] = OrderedDict()
        self._judged: tuple[float, float | None] = (float("-inf"), None)
        self._logged_at = float("-inf")

    def note(self, host: str, *, status: int, headers: Mapping[str, str], took: float) -> None:
        """An answer has just come; `took`: seconds since it was asked for. `headers` with lower-case names."""
        date = headers.get("date", "")
        if (
            not date
            or took > SLOWEST
            or status in _NOT_THE_PLATFORM
            or headers.get("age", "0").strip() != "0"
        ):
            return
        try:
            written = parsedate_to_datetime(date[:64]).timestamp()
        except (ValueError, OverflowError, TypeError):
            return
        if written < _EARLIEST:
            return
        # Written somewhere on the way there and back, and cut to whole seconds.
        at_zero = written + 0.5 + took / 2 - self._steady()
        with self._lock:
            self._answers.setdefault(host, deque(maxlen=KEPT)).append(at_zero)
            self._answers.move_to_end(host)
            if len(self._answers) > MAX_HOSTS:
                self._answers.popitem(last=False)
            self._judged = (float("-inf"), None)

    def is_in_doubt(self, host: str) -> bool:
        """Whether the few answers of this host speak of a wrong clock, so that a few more should be asked for."""
        with self._lock:
            answers = list(self._answers.get(host, ()))
        now = self._steady() - self._wall()
        return 0 < len(answers) < FEWEST and any(abs(at_zero + now) > TOLERANCE for at_zero in answers)

    def offset(self) -> float | None:
        """Seconds by which the platform's clock is ahead of this machine's; None while nobody knows."""
        now = self._steady()
        judged_at, offset = self._judged
        if now - judged_at >= 1.0 or now < judged_at:
            offset = self._judge(now - self._wall())
            self._judged = (now, offset)
            self._log(now, offset)
        return offset

    def correction(self) -> float:
        """The same where it matters: 0 within `TOLERANCE`, and while nobody knows."""
        offset = self.offset()
        return offset if offset is not None and abs(offset) > TOLERANCE else 0.0

    def in_local_time(self, at: datetime, *, received: datetime) -> datetime:
        """The platform's time `at` of something that was `received`, by this machine's clock.

        Where both clocks agree about what came, or where the correction would have it come from the future, it is left alone: then
        it is the `Date` that is wrong.
        """
        # Nearly everything came just now, and is compared first: that costs less than the correction.
        if abs(received - at) <= _TOLERANCE or not (correction := self.correction()):
            return at
        try:
            corrected = at - timedelta(seconds=correction)
        except OverflowError:
            return at
        return at if corrected - received > _TOLERANCE else corrected

    def _judge(self, now: float) -> float | None:
        with self._lock:
            hosts = [list(answers) for answers in self._answers.values()]
        found = []
        for answers in hosts:
            middle = statistics.median(answers)
            agreeing = sum(abs(answer - middle) <= AGREEMENT for answer in answers)
            if len(answers) >= FEWEST and 3 * agreeing >= 2 * len(answers):
                found.append(middle + now)
        return min(found, key=abs, default=None)

    def _log(self, now: float, offset: float | None) -> None:
        if offset is not None and abs(offset) > TOLERANCE and now - self._logged_at >= LOG_EVERY:
            self._logged_at = now
            logger.warning("clock_differs", extra={"seconds_behind_platform": round(offset)})


platform_clock: Final = PlatformClock()
"""This process's own."""
