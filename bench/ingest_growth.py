"""What grows while events keep coming: memory, open tasks and queues of ``runfeishu`` after one minute and at the end.

A worker beside it takes the hints and handles what it can; what it leaves for later is no growth of the intake.
"""

import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

import redis

from bench.ingest_subjects import Subject
from bench.platform import Platform
from bench.processor import resident_bytes
from bench.report import say
from tests.services.processes import ProcessStarter
from tests.services.rows import Rows

MOST_MEMORY = 1.1
"""Times the memory after the first minute that the last may need: the allocator keeps what a burst took."""
MOST_MORE = 20
"""Tasks, or entries of a queue, that there may be more than after the first minute."""
METER = re.compile(r"^meter (\d+) (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Look:
    """One look at the process and at what it fills."""

    megabytes: float
    tasks: int
    waiting: int
    hints: int
    rows: int
    handled: int

    def __str__(self) -> str:
        return (
            f"{self.megabytes:.0f} MB resident, {self.tasks} tasks, {self.waiting} events and {self.hints} hints "
            f"waiting, {self.rows:,} rows, {self.handled:,} of them handled"
        )


class Growth:
    """Events at a fixed rate for so many minutes. ``environment``: of ``runfeishu`` and its worker."""

    def __init__(
        self, start: ProcessStarter, platform: Platform, subject: Subject, environment: Mapping[str, str]
    ) -> None:
        self._platform = platform
        self._subject = subject
        self._database_url = environment["DATABASE_URL"]
        self._redis = redis.Redis.from_url(environment["REDIS_URL"])
        self._worker = start("-m", "celery", "-A", "feishu_portal", "worker", environment=environment)

    def watch(self, *, minutes: int, rate: float) -> bool:
        """Print what there was after the first minute and after the last; whether nothing had grown."""
        say(f"\n{rate:,.0f} a second for {minutes} minutes, {self._subject.name}")
        self._worker.wait_for("celery@.* ready", seconds=120)
        looks = []
        before = self._look()
        for minute in range(1, minutes + 1):
            outcome = self._platform.flood(self._subject.app_id, int(rate * 60), per_second=rate)
            looks.append(self._look())
            say(
                f"minute {minute:2}: {looks[-1]}, p50 {outcome['p50_ms']:.1f} ms, p99 {outcome['p99_ms']:.1f} ms"
            )
        first, last = looks[0], looks[-1]
        stored = last.rows - before.rows
        say(f"stored {stored:,} of {int(rate * 60) * minutes:,} acknowledged")
        kept = (
            stored == int(rate * 60) * minutes
            and last.megabytes <= first.megabytes * MOST_MEMORY
            and all(
                getattr(last, name) <= getattr(first, name) + MOST_MORE
                for name in ("tasks", "waiting", "hints")
            )
        )
        say(f"no growth: {'kept' if kept else 'missed'}")
        return kept

    def _look(self) -> Look:
        rows, handled = self._rows()
        tasks, waiting = METER.findall(self._subject.process.output)[-1]
        return Look(
            megabytes=resident_bytes(self._subject.process.pid) / 1e6,
            tasks=int(tasks),
            waiting=int(waiting),
            hints=int(self._redis.llen("default")),
            rows=rows,
            handled=handled,
        )

    def _rows(self) -> tuple[int, int]:
        with closing(Rows(self._database_url)) as rows:
            stored, handled = rows.one("SELECT count(*), count(finished_at) FROM events_event")
        return int(stored), int(handled)
