"""Whether many quiet bots slow the busy ones down: ``make bench-queues``.

Starts PostgreSQL (durable, as in production), Redis, the sandbox and two portals: one with two hundred bots, one with the
three busy ones alone. In each the table of runs holds thousands that ended long ago, and the busy bots get a
backlog of events with one handler each that does nothing. Once a third is handled, and a good share of all events waits, everything
stands still for an ``ANALYZE``: PostgreSQL then plans by statistics that are wrong once the backlog is gone. What is timed is how
the rest is worked off, and what counts is the ratio of the two portals, measured in turn.
"""

import argparse
import statistics
import time
from dataclasses import dataclass

from bench.backlog import Portal
from bench.draining import Cost
from bench.platform import Platform
from bench.report import progress, say
from bench.servers import Servers, durable_servers
from bench.work import NOTHING

BUSY = 3
WARM_UP = 5  # events of each bot, so that all have been served before
WAITING_SHARE = 0.15
"""Of all events, that have to wait when the statistics are taken: with fewer the plans stay as they were."""
PATIENCE = 900.0  # seconds until a third is handled

# The table that has a row for each event and handler, whatever it is called.
RUNS = """
SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'
AND column_name IN ('event_id', 'handler', 'status', 'attempts') GROUP BY table_name HAVING count(*) = 4
"""
COLUMNS = """
SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{}'
AND column_name <> 'id' ORDER BY ordinal_position
"""
OLD_EVENTS = """
INSERT INTO events_event ({columns}) SELECT {values} FROM events_event event
CROSS JOIN (SELECT n, (SELECT array_agg(id ORDER BY id) FROM bots_bot) AS bots FROM generate_series(1, {count}) n) old
WHERE event.id = (SELECT max(id) FROM events_event WHERE status = 'done')
"""
OLD_RUNS = """
INSERT INTO {table} ({columns}) SELECT {values} FROM {table} run
CROSS JOIN events_event old WHERE old.dedupe_key LIKE 'old %'
AND run.event_id = (SELECT max(id) FROM events_event WHERE status = 'done' AND dedupe_key NOT LIKE 'old %')
"""


@dataclass(frozen=True)
class Drained:
    """A round of one portal."""

    waiting_share: float
    """Of all events, when the statistics were taken."""
    rest: Cost
    """Of the events that were left then."""


class QueuedPortal:
    """A portal with bots that were all served before, and with old runs."""

    def __init__(self, servers: Servers, platform: Platform, *, bots: int, old: int) -> None:
        self._portal = Portal(servers, platform, servers.postgresql(), bots=bots)
        self._portal.start_workers(1, warm_up=NOTHING)
        for bot in range(bots):
            self._portal.fill(NOTHING, WARM_UP, bot=bot)
        self._portal.wait_until_drained()
        [(self._runs,)] = self._portal.rows.all(RUNS)
        self._add_old(old)

    def _add_old(self, count: int) -> None:
        """Copies of an event that was handled, and of its run, spread over the bots."""
        changed = {"dedupe_key": "'old ' || old.n", "bot_id": "old.bots[1 + old.n % cardinality(old.bots)]"}
        columns = self._columns("events_event")
        values = [changed.get(name, f"event.{name}") for name in columns]
        rows = self._portal.rows
        rows.execute(OLD_EVENTS.format(columns=", ".join(columns), values=", ".join(values), count=count))
        columns = self._columns(self._runs)
        changed = {"event_id": "old.id", "bot_id": "old.bot_id"}
        values = [changed.get(name, f"run.{name}") for name in columns]
        rows.execute(OLD_RUNS.format(table=self._runs, columns=", ".join(columns), values=", ".join(values)))
        rows.execute("VACUUM ANALYZE")

    def _columns(self, table: str) -> list[str]:
        return [name for (name,) in self._portal.rows.all(COLUMNS.format(table))]

    def drain(self, events: int) -> Drained:
        """So many events of each busy bot."""
        portal = self._portal
        with portal.paused():
            for bot in range(BUSY):
                portal.fill(NOTHING, events, bot=bot)
        share = self._waiting_share(BUSY * events)
        with portal.paused():
            portal.rows.execute("ANALYZE")
            left = portal.open_events()
        rest = portal.time(left)
        portal.check(NOTHING)
        return Drained(share, rest)

    def _waiting_share(self, events: int) -> float:
        """The share of events that wait, once a third of these is handled."""
        deadline = time.monotonic() + PATIENCE
        while (waiting := self._portal.open_events()) > events * 2 / 3:
            if time.monotonic() > deadline:
                raise SystemExit(f"The backlog does not shrink: {waiting} of {events} events wait.")
            time.sleep(0.05)
        return waiting / float(self._portal.rows.one("SELECT count(*) FROM events_event")[0])


def report(with_others: list[Drained], alone: list[Drained], bots: int) -> None:
    say(
        f"\n{'':24}{'a second':>10}{'worker':>12}{'PostgreSQL':>13}   (medians of what was left after ANALYZE)"
    )
    for name, rounds in ((f"{bots} bots", with_others), (f"{BUSY} bots", alone)):
        per_second = statistics.median(one.rest.per_second for one in rounds)
        worker = statistics.median(one.rest.worker_ms for one in rounds)
        database = statistics.median(one.rest.database_ms for one in rounds)
        least = min(one.waiting_share for one in rounds)
        enough = "" if least >= WAITING_SHARE else f", fewer than {WAITING_SHARE:.0%}: says little"
        say(
            f"{name:24}{per_second:>10,.0f}{worker:>9.3f} ms{database:>10.3f} ms   {least:.0%} of events waited{enough}"
        )
    pairs = list(zip(with_others, alone, strict=True))
    ratio = statistics.median(mine.rest.per_second / other.rest.per_second for mine, other in pairs)
    say(f"\nbusy bots among {bots} ÷ busy bots alone: {ratio:.2f} ×")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bots", type=int, default=200, help="in all (default %(default)s)")
    parser.add_argument("--events", type=int, default=3_000, help="of each busy bot (default %(default)s)")
    parser.add_argument(
        "--old", type=int, default=10_000, help="runs that ended before (default %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="(default %(default)s)")
    options = parser.parse_args()
    if options.bots < BUSY:
        parser.error(f"--bots: at least {BUSY}")
    with durable_servers() as servers:
        platform = Platform(servers.start)
        progress(f"starting a portal with {options.bots} bots, and one with {BUSY}")
        many, few = (
            QueuedPortal(servers, platform, bots=bots, old=options.old) for bots in (options.bots, BUSY)
        )
        with_others: list[Drained] = []
        alone: list[Drained] = []
        for number in range(1, options.rounds + 1):
            for name, portal, rounds in (
                (f"{options.bots} bots", many, with_others),
                (f"{BUSY} bots", few, alone),
            ):
                drained = portal.drain(options.events)
                rounds.append(drained)
                progress(
                    f"round {number} of {options.rounds}, {name}: {drained.rest.per_second:,.0f} a second"
                    f" after ANALYZE with {drained.waiting_share:.0%} of events waiting"
                )
        report(with_others, alone, options.bots)


if __name__ == "__main__":
    main()
