"""How many handlers a second one worker runs, beside procrastinate and bare Celery tasks: ``make bench-handlers``.

Starts PostgreSQL (durable, as in production), Redis, the sandbox, and a worker of each, which all get backlogs of the same
size in turn: events of the portal, jobs and tasks, each with a payload of 1.2 KB and with one thing to run. A backlog is
made while the workers stand still; what is timed is how it is worked off. Prints the medians of the rounds, processor
time of worker and PostgreSQL for one event, and ratios, each the median of the rounds' own.

The portal's worker has one process for tasks and the settings it comes with. procrastinate's has ``--concurrency`` jobs
at once, Celery's as many processes or threads.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.backlog import Portal
from bench.draining import Contender, Cost
from bench.platform import Platform
from bench.report import progress, say
from bench.rivals import PlainCelery, Procrastinate
from bench.servers import Servers, durable_servers
from bench.work import CREATE_TABLE, NOTHING, NOTHING_ASYNC, ONE_ROW


@dataclass
class Row:
    """One line of the table: a contender at one kind of work."""

    name: str
    contender: Contender
    kind: str
    rounds: list[Cost] = field(default_factory=list)

    def median(self, of: Callable[[Cost], float]) -> float:
        return statistics.median(of(one) for one in self.rounds)


RATIOS = (
    ("portal: nothing", "procrastinate: nothing"),
    ("portal: nothing", "procrastinate: nothing, async"),
    ("portal: nothing, async", "procrastinate: nothing, async"),
    ("portal: one row", "procrastinate: one row"),
    ("portal: nothing", "Celery: nothing"),
    ("portal: one row", "Celery: get_or_create"),
    ("portal, SQLite: nothing", "Celery, SQLite: get_or_create"),
)


def contenders(servers: Servers, options: argparse.Namespace) -> list[Row]:
    """All that is measured, started and warmed up."""
    platform = Platform(servers.start)
    progress("starting the portal on PostgreSQL")
    durable = Portal(servers, platform, servers.postgresql())
    durable.rows.execute(CREATE_TABLE)
    durable.start_workers(1, warm_up=ONE_ROW)
    progress("starting the portal on SQLite")
    lite = Portal(servers, platform, servers.sqlite("portal"))
    lite.start_workers(1, warm_up=NOTHING)
    progress("starting procrastinate and Celery")
    procrastinate = Procrastinate(servers, concurrency=options.concurrency)
    celery, celery_lite = (
        PlainCelery(servers, url, concurrency=options.concurrency, pool=options.celery_pool)
        for url in (servers.empty_postgresql(), servers.empty_sqlite("plain"))
    )
    return [
        Row("portal: nothing", durable, NOTHING),
        Row("portal: nothing, async", durable, NOTHING_ASYNC),
        Row("portal: one row", durable, ONE_ROW),
        Row("procrastinate: nothing", procrastinate, "nothing"),
        Row("procrastinate: nothing, async", procrastinate, "nothing_async"),
        Row("procrastinate: one row", procrastinate, "one_row"),
        Row("Celery: nothing", celery, "nothing"),
        Row("Celery: get_or_create", celery, "get_or_create"),
        Row("portal, SQLite: nothing", lite, NOTHING),
        Row("Celery, SQLite: get_or_create", celery_lite, "get_or_create"),
    ]


def report(rows: list[Row]) -> None:
    say(f"\n{'':34}{'a second':>10}{'worker':>12}{'PostgreSQL':>13}   (medians; processor time an event)")
    for row in rows:
        per_second, worker, database = (
            row.median(of)
            for of in (lambda one: one.per_second, lambda one: one.worker_ms, lambda one: one.database_ms)
        )
        say(f"{row.name:34}{per_second:>10,.0f}{worker:>9.3f} ms{database:>10.3f} ms")
    say(f"\n{'':66}{'a second':>10}{'processor':>12}")
    named = {row.name: row for row in rows}
    for ours, theirs in RATIOS:
        pairs = list(zip(named[ours].rounds, named[theirs].rounds, strict=True))
        speed = statistics.median(mine.per_second / other.per_second for mine, other in pairs)
        work = statistics.median(mine.processor_ms / other.processor_ms for mine, other in pairs)
        say(f"{f'{ours} ÷ {theirs}':66}{speed:>8.2f} ×{work:>10.2f} ×")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="(default %(default)s)")
    parser.add_argument("--events", type=int, default=5_000, help="of a backlog (default %(default)s)")
    parser.add_argument(
        "--concurrency", type=int, default=8, help="of procrastinate and Celery (default %(default)s)"
    )
    parser.add_argument(
        "--celery-pool", choices=("prefork", "threads"), default="prefork", help="(default %(default)s)"
    )
    options = parser.parse_args()
    with durable_servers() as servers:
        rows = contenders(servers, options)
        for number in range(1, options.rounds + 1):
            for row in rows:
                cost = row.contender.drain(row.kind, options.events)
                row.rounds.append(cost)
                progress(f"round {number} of {options.rounds}, {row.name}: {cost.per_second:,.0f} a second")
        report(rows)


if __name__ == "__main__":
    main()
