"""How the portal in one process, on SQLite, works off a backlog while events come in: ``make bench-embedded``.

Starts the sandbox, and a ``runfeishu`` that stores the backlog. Then ``runportal`` takes over, with its worker and scheduler on
threads beside the intake and one lock for all writers; as soon as it is connected, events come at a fixed rate. Prints how
soon they were acknowledged, by the sandbox's clock, how fast both were worked off, and the longest transaction.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from bench.backlog import Portal
from bench.platform import Platform
from bench.processor import seconds_of_session
from bench.report import progress, say
from bench.servers import Servers, durable_servers
from bench.work import NOTHING
from tests.services.ports import free_port

PATIENCE = 900.0  # seconds until everything is handled
CONNECTING = 60.0  # seconds


def run(servers: Servers, options: argparse.Namespace) -> None:
    """Fill, take over, push, wait, print."""
    platform = Platform(servers.start)
    portal = Portal(servers, platform, servers.sqlite("portal"))
    progress(f"storing {options.backlog:,} events")
    portal.fill(NOTHING, options.backlog)
    portal.listener.stop(seconds=30)
    transactions = servers.directory / "transactions"
    progress("starting runportal")
    environment = {name: value for name, value in portal.environment.items() if name != "REDIS_URL"}
    process = servers.start(
        "-m", "bench.metered_portal", str(transactions), "--port", str(free_port()), environment=environment
    )
    process.wait_until(
        lambda: platform.connected().issuperset(portal.app_ids), what="connection", seconds=CONNECTING
    )
    waiting, began, used = portal.open_events(), time.monotonic(), seconds_of_session(process.pid)
    progress(f"{waiting:,} events wait; {options.rate:,.0f} more come a second, for {options.seconds:g} s")
    count = int(options.rate * options.seconds)
    acknowledged = platform.flood(portal.app_ids[0], count, event_type=NOTHING, per_second=options.rate)
    left = portal.open_events()
    progress(f"{left:,} events wait")
    process.wait_until(portal.is_drained, what="end of the backlog", seconds=PATIENCE)
    seconds, used = time.monotonic() - began, seconds_of_session(process.pid) - used
    if wrong := portal.rows.all(
        "SELECT status, count(*) FROM events_event WHERE status <> 'done' GROUP BY status"
    ):
        raise SystemExit(f"Not every event was handled: {wrong}")
    _report(acknowledged, waiting + count, seconds, used)
    _report_transactions(transactions)


def _report(acknowledged: dict[str, Any], handled: int, seconds: float, used: float) -> None:
    say(
        f"\nacknowledged: p50 {acknowledged['p50_ms']:.1f} ms, p99 {acknowledged['p99_ms']:.1f} ms,"
        f" longest {acknowledged['longest_ms']:.0f} ms (the sandbox's own lateness: p99 {acknowledged['late_ms']:.1f} ms)"
    )
    say(f"handled: {handled:,} in {seconds:.1f} s, {handled / seconds:,.0f} a second")
    say(
        f"processor time for an event: {1000 * used / handled:.3f} ms, taking it in included for those that came"
    )


def _report_transactions(file: Path) -> None:
    lines = file.read_text().splitlines() if file.exists() else []
    if not lines:
        say("longest transaction: none was seen")
        return
    milliseconds, _, statement = lines[-1].partition(" ")
    say(f"longest transaction: {milliseconds} ms, most of it: {statement}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--backlog", type=int, default=10_000, help="events that wait at first (default %(default)s)"
    )
    parser.add_argument(
        "--rate", type=float, default=500, help="events a second after that (default %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=30, help="for so long (default %(default)s)")
    options = parser.parse_args()
    with durable_servers() as servers:
        run(servers, options)


if __name__ == "__main__":
    main()
