"""Three hundred bots in one ``runfeishu``: memory, time to connect, time to be back after all were cut, lag of the loop.

``make bench-fleet``, or ``python -m bench.fleet --bots N``. Starts PostgreSQL, the sandbox and the process measured,
prints what it found and stops everything again. The sandbox has the same processor to share, so the times say more
about how the parts scale than about any machine.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.services.databases import DatabaseCopies
from tests.services.platform import APP_SECRET, SandboxClient
from tests.services.ports import free_port
from tests.services.processes import ManagedProcess, ProcessStarter
from tests.services.session import Services

MOST_LAG = 0.05
"""Seconds that the loop may hold itself up at a time; what others take of the processor is not its fault."""
SETTLING = 5.0
"""Seconds of rest between the phases."""

ADD_BOTS = """
from bots.service import BotChanges, put_bot
from core.access.actors import SYSTEM
for number in range({bots}):
    changes = BotChanges(dict(
        name=f"Bot {{number}}", platform="custom", open_url="{url}", accounts_url="{url}", app_secret="{secret}",
    ))
    put_bot(app_id=f"cli_{{number:016x}}", changes=changes, actor=SYSTEM)
"""


@dataclass(frozen=True, slots=True)
class Lag:
    """Of the samples of one phase, in milliseconds."""

    samples: int
    p50: float
    p99: float
    longest: float


class Bench:
    """One run over ``bots`` bots."""

    def __init__(
        self, bots: int, start: ProcessStarter, environment: dict[str, str], directory: Path
    ) -> None:
        self.bots = bots
        self._start = start
        self._environment = environment
        self._samples = directory / "lag"
        port = free_port()
        self._start("manage.py", "runsandbox", "--port", str(port)).wait_for_port(port)
        self._url = f"http://127.0.0.1:{port}"
        self._sandbox = SandboxClient(self._url)
        self._http = httpx.Client(base_url=f"{self._url}/sandbox/api", timeout=60)

    def run(self) -> bool:
        """Measure and print; whether the loop kept within its limit."""
        self._add_bots()
        listener = self._listener()
        begun = time.time()
        listener.wait_for("Listening", seconds=60)
        bare = self._memory(listener)
        print(f"bots                     {self.bots}")
        print(f"process without bots     {bare / 1e6:8.1f} MB")
        connected = self._all_connected(listener)
        print(f"all connected after      {connected - begun:8.2f} s from its start")
        time.sleep(SETTLING)
        full = self._memory(listener)
        print(
            f"memory per connection    {(full - bare) / self.bots / 1e3:8.1f} kB ({full / 1e6:.1f} MB in all)"
        )
        cut = time.time()
        opened = self._opened()
        self._sandbox.disturb("drop")
        back = self._all_connected(listener, opened=opened + self.bots)
        print(f"all back after a cut in  {back - cut:8.2f} s")
        time.sleep(SETTLING)
        rest = time.time()
        time.sleep(2 * SETTLING)
        end = time.time()
        phases = {"connecting": (begun, connected), "cut": (cut, back + 1), "at rest": (rest, end)}
        kept = True
        for name, phase in phases.items():
            late, own = self._lags(*phase)
            for what, lag in (("lag", late), ("own work", own)):
                print(
                    f"{what + ', ' + name:<24} p50 {lag.p50:7.2f} ms   p99 {lag.p99:7.2f} ms"
                    f"   max {lag.longest:7.2f} ms   ({lag.samples} samples)"
                )
            kept = kept and own.longest < 1000 * MOST_LAG
        return kept

    def _add_bots(self) -> None:
        for number in range(self.bots):
            self._sandbox.put_app(f"cli_{number:016x}", app_secret=APP_SECRET)
        code = ADD_BOTS.format(bots=self.bots, url=self._url, secret=APP_SECRET)
        process = self._start("manage.py", "shell", "-v", "0", "-c", code, environment=self._environment)
        if process.wait_for_exit(seconds=300):
            raise SystemExit(process.output)

    def _listener(self) -> ManagedProcess:
        arguments = ("-m", "bench.metered_listener", str(self._samples))
        return self._start(*arguments, environment=self._environment)

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

    def _memory(self, listener: ManagedProcess) -> int:
        """Resident, in bytes."""
        pages = int(Path(f"/proc/{listener.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _lags(self, since: float, until: float) -> tuple[Lag, Lag]:
        """How late the loop was, and what its own work has to do with it."""
        lines = (map(float, line.split()) for line in self._samples.read_text().splitlines())
        samples = [(lag, used) for moment, lag, used in lines if since <= moment <= until]
        return _spread([lag for lag, _ in samples]), _spread([used for _, used in samples])


def _spread(seconds: list[float]) -> Lag:
    ordered = sorted(1000 * value for value in seconds) or [0.0]
    return Lag(len(seconds), ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)], ordered[-1])


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
    parser.add_argument("--bots", type=int, default=300)
    bots = parser.parse_args().bots
    services = Services(os.environ)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        start = ProcessStarter(directory)
        try:
            services.start()
            database = DatabaseCopies(services).create()
            environment = {"DATABASE_URL": database, "REDIS_URL": services.redis_url}
            kept = Bench(bots, start, environment, directory).run()
        finally:
            complaints = start.close()
            services.stop()
    if complaints:
        raise SystemExit("\n".join(complaints))
    if not kept:
        print(f"The loop was held for longer than {1000 * MOST_LAG:g} ms.", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
