"""What more worker processes on one database bring: ``make bench-workers``.

Starts PostgreSQL (durable, as in production), Redis, the sandbox and one ``runfeishu``. For each number of workers a backlog
of events, each with one handler that does nothing, piles up while they stand still; what is timed is how it is worked
off. Prints how many events a second that is, how that compares with one worker, and what an event costs the processor.
On a machine with no more processors than workers, more of them cannot be much faster; cost must not grow all the same.
"""

import argparse
import statistics

from bench.backlog import Portal
from bench.draining import Cost
from bench.platform import Platform
from bench.report import progress, say
from bench.servers import durable_servers
from bench.work import NOTHING


def measure(portal: Portal, numbers: list[int], *, rounds: int, events: int) -> dict[int, list[Cost]]:
    """The costs of each round by the number of workers, which are restarted for each."""
    costs: dict[int, list[Cost]] = {number: [] for number in numbers}
    for turn in range(1, rounds + 1):
        for number in numbers:
            portal.start_workers(number, warm_up=NOTHING, events=200 * number)
            cost = portal.drain(NOTHING, events)
            portal.stop_workers()
            costs[number].append(cost)
            progress(f"round {turn} of {rounds}, {number} workers: {cost.per_second:,.0f} a second")
    return costs


def report(costs: dict[int, list[Cost]]) -> None:
    first = next(iter(costs.values()))
    say(f"\n{'workers':>8}{'a second':>10}{'÷ first':>10}{'worker':>12}{'PostgreSQL':>13}   (medians)")
    for number, rounds in costs.items():
        ratio = statistics.median(
            mine.per_second / one.per_second for mine, one in zip(rounds, first, strict=True)
        )
        per_second = statistics.median(one.per_second for one in rounds)
        worker = statistics.median(one.worker_ms for one in rounds)
        database = statistics.median(one.database_ms for one in rounds)
        say(f"{number:>8}{per_second:>10,.0f}{ratio:>8.2f} ×{worker:>9.3f} ms{database:>10.3f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], metavar="N")
    parser.add_argument("--rounds", type=int, default=3, help="(default %(default)s)")
    parser.add_argument("--events", type=int, default=10_000, help="of a backlog (default %(default)s)")
    options = parser.parse_args()
    with durable_servers() as servers:
        portal = Portal(servers, Platform(servers.start), servers.postgresql())
        report(measure(portal, options.workers, rounds=options.rounds, events=options.events))


if __name__ == "__main__":
    main()
