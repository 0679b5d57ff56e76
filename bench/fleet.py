"""Three hundred bots in one ``runfeishu``: memory, time to connect, time to be back after all were cut, lag of the loop.

``make bench-fleet``, or ``python -m bench.fleet --bots N``. Starts PostgreSQL, the sandbox and the process measured,
prints what it found and stops everything again. The sandbox has the same processor to share, so the times say more
about how the parts scale than about any machine.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from bench.platform import Platform
from bench.processor import resident_bytes
from bench.report import progress, quantile, say
from bench.servers import Servers, durable_servers
from tests.services.platform import APP_SECRET
from tests.services.processes import ManagedProcess

MOST_LAG = 0.05
"""Seconds that the loop may hold itself up at a time; what others take of the processor is not its fault."""
SETTLING = 5.0
"""Seconds of rest between the phases."""


@dataclass(frozen=True, slots=True)
class Lag:
    """Of the samples of one phase, in milliseconds."""

    samples: int
    p50: float
    p99: float
    longest: float


class Bench:
    """One run over ``bots`` bots."""

    def __init__(self, bots: int, servers: Servers) -> None:
        self.bots = bots
        self._servers = servers
        self._environment = {"DATABASE_URL": servers.postgresql(), "REDIS_URL": servers.broker()}
        self._samples = servers.directory / "lag"
        self._platform = Platform(servers.start)
        self._http = httpx2.Client(base_url=f"{self._platform.url}/sandbox/api", timeout=60)

    def run(self) -> bool:
        """Measure and print; whether the loop kept within its limit."""
        progress(f"adding {self.bots} bots")
        self._add_bots()
        progress("connecting them")
        listener = self._listener()
        begun = time.time()
        listener.wait_for("Listening", seconds=60)
        bare = resident_bytes(listener.pid)
        say(f"bots                     {self.bots}")
        say(f"process without bots     {bare / 1e6:8.1f} MB")
        connected = self._all_connected(listener)
        say(f"all connected after      {connected - begun:8.2f} s from its start")
        time.sleep(SETTLING)
        full = resident_bytes(listener.pid)
        say(
            f"memory per connection    {(full - bare) / self.bots / 1e3:8.1f} kB ({full / 1e6:.1f} MB in all)"
        )
        progress("cutting every connection")
        cut = time.time()
        opened = self._opened()
        self._platform.client.disturb("drop")
        back = self._all_connected(listener, opened=opened + self.bots)
        say(f"all back after a cut in  {back - cut:8.2f} s")
        time.sleep(SETTLING)
        progress("letting it rest")
        rest = time.time()
        time.sleep(2 * SETTLING)
        end = time.time()
        phases = {"connecting": (begun, connected), "cut": (cut, back + 1), "at rest": (rest, end)}
        kept = True
        for name, phase in phases.items():
            late, own = self._lags(*phase)
            for what, lag in (("lag", late), ("own work", own)):
                say(
                    f"{what + ', ' + name:<24} p50 {lag.p50:7.2f} ms   p99 {lag.p99:7.2f} ms"
                    f"   max {lag.longest:7.2f} ms   ({lag.samples} samples)"
                )
            kept = kept and own.longest < 1000 * MOST_LAG
        return kept

    def _add_bots(self) -> None:
        app_ids = [self._platform.new_app() for _ in range(self.bots)]
        self._servers.run(
            "-m", "bench.add_bots", self._platform.url, *app_ids,
            environment=self._environment | {"FEISHU_APP_SECRET": APP_SECRET},
        )  # fmt: skip

    def _listener(self) -> ManagedProcess:
        arguments = ("-m", "bench.metered_listener", str(self._samples))
        return self._servers.start(*arguments, environment=self._environment)

    def _all_connected(self, listener: ManagedProcess, *, opened: int = 0) -> float:
        """When every bot was connected and so many connections had been opened, in seconds of the epoch."""

        def reached() -> float | None:
            books = self._http.get("/books", params={"events": "false"}).json()
            enough = len(books["connections"]) == self.bots and books["connections_opened"] >= opened
            return time.time() if enough else None

        return _until(reached, listener)

    def _opened(self) -> int:
        count: int = self._http.get("/books", params={"events": "false"}).json()["connections_opened"]
        return count

    def _lags(self, since: float, until: float) -> tuple[Lag, Lag]:
        """How late the loop was, and what its own work has to do with it."""
        lines = (map(float, line.split()) for line in self._samples.read_text().splitlines())
        samples = [(lag, used) for moment, lag, used in lines if since <= moment <= until]
        return _spread([lag for lag, _ in samples]), _spread([used for _, used in samples])


def _spread(seconds: list[float]) -> Lag:
    ordered = sorted(1000 * value for value in seconds)
    return Lag(len(seconds), *(quantile(ordered, share) for share in (0.5, 0.99, 1.0)))


def _until(reached: Callable[[], float | None], listener: ManagedProcess, *, seconds: float = 120) -> float:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if moment := reached():
            return moment
        if listener.exit_code is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"They did not all connect.\n{listener.output[-3000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bots", type=int, default=300, help="(default %(default)s)")
    options = parser.parse_args()
    with durable_servers() as servers:
        kept = Bench(options.bots, servers).run()
    if not kept:
        sys.exit(f"The loop was held for longer than {1000 * MOST_LAG:g} ms.")


if __name__ == "__main__":
    main()
