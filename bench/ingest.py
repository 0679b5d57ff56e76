"""How many events a second go in, and how soon they are acknowledged: ``make bench-ingest``.

Starts PostgreSQL (durable, as in production), Redis, the sandbox and, each in a process of its own, the portal's
``runfeishu`` on PostgreSQL and on SQLite, and the official SDK's client with an empty handler and with Django's
``get_or_create`` on either. All take the same events down the same kind of connection, in turns, a few rounds; what
counts is the median of a round's ratios, because a round's subjects see the same machine. Then events come at a fixed
rate, and their answers are timed from when they were due.

``ARGS="--minutes 10"`` goes on at that rate and looks at what grows.
"""

import argparse
import statistics
import sys
from dataclasses import dataclass, field
from typing import Any

from bench.ingest_growth import Growth
from bench.ingest_subjects import Subject, Subjects
from bench.platform import WINDOW, Platform
from bench.report import progress, say
from bench.servers import Servers, durable_servers

RATE = 1_000.0
"""Events a second where their rate is given."""
OPEN_ROUNDS, OPEN_SECONDS = 3, 10
TRIAL = 100
"""Events that find out how many a round should have."""

PORTAL, PORTAL_LITE = "portal, PostgreSQL", "portal, SQLite"
SDK, SDK_ORM, SDK_ORM_LITE = (
    "SDK, empty handler",
    "SDK, get_or_create, PostgreSQL",
    "SDK, get_or_create, SQLite",
)
BARE = "sandbox's ceiling"
TARGETS = ((PORTAL, SDK, 4.0), (PORTAL, SDK_ORM, 50.0), (PORTAL_LITE, SDK_ORM_LITE, 20.0))
WORST_SPREAD = 5.0
"""How many times the median the slowest one in a hundred may take."""


@dataclass
class Measured:
    """A subject and its rounds."""

    subject: Subject
    count: int
    rounds: list[dict[str, Any]] = field(default_factory=list)

    def median(self, what: str) -> float:
        return statistics.median(one[what] for one in self.rounds)


class Bench:
    """The verdicts of one run; ``kept`` is False once one of them is bad."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.kept = True

    def compare(self, subjects: list[Subject], *, rounds: int, seconds: float) -> None:
        """Rounds in turns, and the ratios against their targets."""
        measured = {subject.name: Measured(subject, self._count(subject, seconds)) for subject in subjects}
        for number in range(1, rounds + 1):
            progress(f"round {number} of {rounds}")
            for one in measured.values():
                one.rounds.append(self._platform.flood(one.subject.app_id, one.count))
        say(
            f"\n{'':34}{'events/s':>10}{'p50 ms':>10}{'p99 ms':>10}   (medians of {rounds}; {WINDOW} unanswered)"
        )
        for name, one in measured.items():
            say(
                f"{name:34}{one.median('per_second'):>10,.0f}{one.median('p50_ms'):>10,.0f}{one.median('p99_ms'):>10,.0f}"
            )
        for ours, theirs, least in TARGETS:
            ratios = [
                mine["per_second"] / other["per_second"]
                for mine, other in zip(measured[ours].rounds, measured[theirs].rounds, strict=True)
            ]
            self._judge(f"{ours} ÷ {theirs}", statistics.median(ratios), least=least)

    def keep_pace(self, subject: Subject) -> None:
        """Events at a fixed rate, and how far the slow answers are from the usual ones."""
        found = [
            self._platform.flood(subject.app_id, int(RATE * OPEN_SECONDS), per_second=RATE)
            for _ in range(OPEN_ROUNDS)
        ]
        p50, p99 = (statistics.median(one[name] for one in found) for name in ("p50_ms", "p99_ms"))
        late = statistics.median(one["late_ms"] for one in found)
        say(
            f"\n{RATE:,.0f} a second, {subject.name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, from when they were due"
        )
        say(f"of that, the sandbox's own lateness: p99 {late:.1f} ms")
        self._judge(
            "p99 ÷ p50", statistics.median(one["p99_ms"] / one["p50_ms"] for one in found), most=WORST_SPREAD
        )

    def _count(self, subject: Subject, seconds: float) -> int:
        trial = self._platform.flood(subject.app_id, TRIAL)
        rate = trial["per_second"]
        if rate * seconds > TRIAL:  # so few say little of the fast ones
            rate = self._platform.flood(subject.app_id, int(min(rate * seconds, 5_000)))["per_second"]
        return max(TRIAL, int(rate * seconds))

    def _judge(self, what: str, found: float, *, least: float = 0.0, most: float = float("inf")) -> None:
        is_kept = least <= found <= most
        self.kept &= is_kept
        wanted = f"at least {least:g}" if least else f"at most {most:g}"
        say(f"{what}: {found:.1f} × ({wanted}): {'kept' if is_kept else 'missed'}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="of each subject in a round (default %(default)s)"
    )
    parser.add_argument("--minutes", type=int, default=0, help="of growth at the end (default: none)")
    options = parser.parse_args()
    with durable_servers() as servers:
        kept = _run(servers, options)
    if not kept:
        sys.exit(1)


def _run(servers: Servers, options: argparse.Namespace) -> bool:
    platform = Platform(servers.start)
    progress("starting those that are compared")
    subjects = Subjects(servers, platform)
    portal = {"REDIS_URL": servers.broker()}
    durable = portal | {"DATABASE_URL": servers.postgresql()}
    lite = portal | {"DATABASE_URL": servers.sqlite("portal")}
    ours = subjects.portal(PORTAL, durable)
    compared = [
        ours,
        subjects.portal(PORTAL_LITE, lite),
        subjects.sdk(SDK),
        subjects.sdk(SDK_ORM, database_url=servers.empty_postgresql()),
        subjects.sdk(SDK_ORM_LITE, database_url=servers.empty_sqlite("plain")),
        subjects.bare(BARE),
    ]
    bench = Bench(platform)
    bench.compare(compared, rounds=options.rounds, seconds=options.seconds)
    bench.keep_pace(ours)
    kept = bench.kept
    if options.minutes:
        growth = Growth(servers.start, platform, ours, durable)
        kept &= growth.watch(minutes=options.minutes, rate=RATE)
    return kept


if __name__ == "__main__":
    main()
