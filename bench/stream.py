"""Whether one worker keeps up with a stream of events: ``make bench-stream``.

Starts PostgreSQL (durable, as in production), Redis, the sandbox, one ``runfeishu`` and one worker with one process for tasks.
The sandbox pushes events at a fixed rate, each for one handler that does nothing. Prints how many wait, time and again;
from the rows, how long after its arrival an event was handled; by the sandbox's clock, how soon each was acknowledged,
counted from when it was due; and what an event costs the processor. The backlog has to stay bounded: it has grown when
the last third of the time saw, by the median, a second's worth of events more than the first. Exits with 1 then.
"""

import argparse
import statistics
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from bench.backlog import Portal
from bench.platform import Platform
from bench.processor import seconds_of_session
from bench.report import progress, say
from bench.servers import durable_servers
from bench.work import NOTHING

CATCHING_UP = 60.0
"""Seconds for what is left at the end."""
HANDLED = """
SELECT count(*), count(finished_at), percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
    ORDER BY extract(epoch FROM coalesce(finished_at, now()) - received_at))
FROM events_event WHERE id > {}
"""


@dataclass
class Backlog:
    """How many events waited, look by look."""

    rate: float
    looks: list[int] = field(default_factory=list)

    @property
    def most(self) -> int:
        return max(self.looks, default=0)

    @property
    def growth(self) -> float:
        """Events by which the last third is above the first, by their medians."""
        third = max(1, len(self.looks) // 3)
        return statistics.median(self.looks[-third:]) - statistics.median(self.looks[:third])

    @property
    def has_grown(self) -> bool:
        return self.growth > self.rate


class Stream:
    """One run at ``rate`` events a second."""

    def __init__(
        self, portal: Portal, platform: Platform, *, rate: float, seconds: float, every: float
    ) -> None:
        self._portal = portal
        self._platform = platform
        self._rate = rate
        self._count = int(rate * seconds)
        self._every = every
        self.backlog = Backlog(rate)

    def run(self) -> None:
        """Push, watch and print."""
        [last] = self._portal.rows.one("SELECT coalesce(max(id), 0) FROM events_event")
        before = self._seconds()
        with ThreadPoolExecutor(1) as thread:
            flood = thread.submit(
                self._platform.flood,
                self._portal.app_ids[0],
                self._count,
                event_type=NOTHING,
                per_second=self._rate,
            )
            self._watch(flood)
            acknowledged = flood.result()
        used = {name: seconds - before[name] for name, seconds in self._seconds().items()}
        left = self._portal.open_events()
        self._catch_up()
        self._report(acknowledged, used, left, int(last))

    def _watch(self, flood: Future[dict[str, Any]]) -> None:
        began = time.monotonic()
        while not flood.done():
            time.sleep(self._every)
            self.backlog.looks.append(self._portal.open_events())
            progress(
                f"{time.monotonic() - began:5.0f} s: {self.backlog.looks[-1]:,} of {self._count:,} events wait"
            )

    def _catch_up(self) -> None:
        deadline = time.monotonic() + CATCHING_UP
        while not self._portal.is_drained() and time.monotonic() < deadline:
            time.sleep(0.1)

    def _seconds(self) -> dict[str, float]:
        return {
            "runfeishu": seconds_of_session(self._portal.listener.pid),
            "workers": self._portal.worker_seconds(),
            "PostgreSQL": self._portal.database_seconds(),
        }

    def _report(self, acknowledged: dict[str, Any], used: dict[str, float], left: int, last: int) -> None:
        stored, handled, (p50, p99) = self._portal.rows.one(HANDLED.format(last))
        done = self._count - left
        say(f"\n{self._count:,} events, {self._rate:,.0f} a second")
        say(f"backlog: most {self.backlog.most:,}, at the end {left:,}")
        say(f"handled while they came: {done / self._count:.0%}")
        waiting = "" if handled == stored else f", {stored - handled:,} of them not yet and counted until now"
        say(f"received → handled: p50 {1000 * p50:,.0f} ms, p99 {1000 * p99:,.0f} ms{waiting}")
        say(
            f"acknowledged: p50 {acknowledged['p50_ms']:.1f} ms, p99 {acknowledged['p99_ms']:.1f} ms"
            f" (the sandbox's own lateness: p99 {acknowledged['late_ms']:.1f} ms)"
        )
        each = ", ".join(f"{name} {1000 * seconds / max(done, 1):.3f} ms" for name, seconds in used.items())
        say(f"processor time for an event that was handled meanwhile: {each}")
        if stored != self._count:
            raise SystemExit(f"{self._count:,} events were acknowledged, {stored:,} are stored.")
        if self.backlog.has_grown:
            say(f"THE BACKLOG GREW: by {self.backlog.growth:,.0f} events from the first third to the last")
        else:
            say("the backlog stayed bounded")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5, help="(default %(default)s)")
    parser.add_argument("--rate", type=float, default=1_000, help="events a second (default %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="worker processes (default %(default)s)")
    parser.add_argument(
        "--every", type=float, default=5, help="seconds between looks at the backlog (default %(default)s)"
    )
    options = parser.parse_args()
    with durable_servers() as servers:
        platform = Platform(servers.start)
        progress(f"starting a portal with {options.workers} workers")
        portal = Portal(servers, platform, servers.postgresql())
        portal.start_workers(options.workers, warm_up=NOTHING)
        stream = Stream(
            portal, platform, rate=options.rate, seconds=60 * options.minutes, every=options.every
        )
        stream.run()
    if stream.backlog.has_grown:
        sys.exit(1)


if __name__ == "__main__":
    main()
