"""What a web process needs and how soon it answers while it is besieged: ``make bench-siege``.

Starts PostgreSQL, Redis and one web process. Its memory and its answers are measured at rest; then strangers guess
passwords (40 at once), send bodies a byte at a time (200) and operators hold live pages open (500), and both are measured
again. The other requests are those of a probe, an operator, an API client, a webhook without a signature, and an operator
who signs in again in a browser that has done so before.

Kept: no more than 100 MB above the memory at rest, nine in ten of each kind of request within 250 ms, and every sign-in of the
operator let through: a password is slow to check on purpose, so it may take longer. On a busy machine the answers at rest
are slow as well, so their ratio is given, too.
"""

import argparse
import contextlib
import json
import re
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

import httpx2

from bench.processor import resident_bytes, seconds_of_family
from bench.report import load, progress, quantile, say
from bench.servers import Servers, durable_servers
from tests.services.ports import free_port
from tests.services.processes import ManagedProcess

MOST_GROWTH = 100  # MB
MOST_MS = 250.0
SHARE = 0.9
"""Of the requests of each kind that have to be answered in time."""
SIGN_IN = "sign-in"
OPERATORS = 4
"""Each may have a quarter of the sockets."""
READER, RETURNING = OPERATORS, OPERATORS + 1
"""Who reads a page, and who signs in again and again."""
MB = 1024 * 1024
MAKE_OPERATORS = """
from core.access.models import User
for number in range({count}):
    User.objects.create_superuser(f"operator{{number}}", password={password!r})
"""


@dataclass
class Answers:
    """How long the answers to one kind of request took, in milliseconds, and their statuses."""

    took: list[float] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    def at(self, share: float) -> float:
        return quantile(sorted(self.took), share)


class Portal:
    """The web process, its operators and the requests that measure it."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._environment = {
            "DATABASE_URL": servers.postgresql(),
            "REDIS_URL": servers.broker(),
            "PUBLIC_URL": self.url,
        }
        self._password = secrets.token_urlsafe()
        make = MAKE_OPERATORS.format(count=RETURNING + 1, password=self._password)
        servers.run("manage.py", "shell", "--no-imports", "-c", make, environment=self._environment)
        added = servers.run(
            "manage.py", "addapiclient", "crm", "--scope", "bots:read", environment=self._environment
        )
        self._key = added.split()[-1]
        self.process = servers.start(
            "-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port), "--no-access-log",
            environment=self._environment,
            tracebacks=True,
        )  # fmt: skip
        self.process.wait_for_port(port, seconds=120)
        # Both know the portal from before: a browser that is new is refused where strangers guess from the same address.
        self._reader, self._returning = self._browser(), self._browser()
        self._sign_in(self._reader, f"operator{READER}")
        self._sign_in(self._returning, f"operator{RETURNING}")

    def cookie(self, number: int) -> str:
        """The session of an operator who signs in."""
        with self._browser() as browser:
            self._sign_in(browser, f"operator{number}")
            return f"feishu_portal_session={browser.cookies['feishu_portal_session']}"

    def measure(self, seconds: float) -> dict[str, Answers]:
        """One kind of request after another for so long."""
        found: dict[str, Answers] = {}
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for name, answer in self._ask_each():
                kind = found.setdefault(name, Answers())
                kind.took.append(answer.elapsed.total_seconds() * 1000)
                kind.statuses.add(answer.status_code)
            time.sleep(0.05)
        return found

    def close(self) -> None:
        self._reader.close()
        self._returning.close()

    def _ask_each(self) -> Iterator[tuple[str, httpx2.Response]]:
        operator = self._reader
        yield "live", operator.get("/healthz/live")
        yield "ready", operator.get("/healthz/ready")
        yield "page of bots", operator.get("/admin/bots/bot/")
        yield "API", operator.get("/api/v1/bots", headers={"Authorization": f"Bearer {self._key}"})
        yield "webhook", operator.post("/api/feishu/webhook/cli_0123456789abcdef", json={"type": "event"})
        yield SIGN_IN, self._sign_in(self._returning, f"operator{RETURNING}")

    def _browser(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=60, trust_env=False)

    def _sign_in(self, browser: httpx2.Client, name: str) -> httpx2.Response:
        browser.cookies.delete(
            "feishu_portal_session"
        ) if "feishu_portal_session" in browser.cookies else None
        page = browser.get("/admin/login/")
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0]
        form = {"csrfmiddlewaretoken": token, "username": name, "password": self._password}
        return browser.post("/admin/login/?next=/admin/", data=form)


class Memory:
    """The most that a process held while the block ran."""

    def __init__(self, process: ManagedProcess) -> None:
        self._process = process
        self.most = resident_bytes(process.pid)
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self._watching = threading.Thread(target=self._watch, name="memory")
        self._watching.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self._watching.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            self.most = max(self.most, resident_bytes(self._process.pid))


@contextlib.contextmanager
def besieged(servers: Servers, portal: Portal, wanted: argparse.Namespace) -> Iterator[ManagedProcess]:
    cookies = [f"--cookie={portal.cookie(number)}" for number in range(OPERATORS)]
    sizes = [f"--{name}={getattr(wanted, name)}" for name in ("logins", "bodies", "sockets")]
    process = servers.start("-m", "bench.besiegers", portal.url, *sizes, *cookies, tracebacks=True)
    try:
        yield process
    finally:
        process.kill()


def report(rest: dict[str, Answers], siege: dict[str, Answers]) -> bool:
    """Whether enough of each kind came in time."""
    say(
        f"\n{'':16}{'at rest p50':>13}{'p90 ms':>9}{'besieged p50':>14}{'p90 ms':>9}{'most ms':>9}{'p50 ratio':>11}"
    )
    is_kept = True
    for name, now in siege.items():
        before = rest[name]
        is_kept &= now.statuses == before.statuses and (name == SIGN_IN or now.at(SHARE) <= MOST_MS)
        ratio = now.at(0.5) / before.at(0.5)
        say(
            f"{name:16}{before.at(0.5):>13,.0f}{before.at(SHARE):>9,.0f}{now.at(0.5):>14,.0f}{now.at(SHARE):>9,.0f}"
            f"{max(now.took):>9,.0f}{ratio:>10.1f}×   {len(now.took)} × {sorted(now.statuses)}"
        )
    return is_kept


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, size in (("logins", 40), ("bodies", 200), ("sockets", 500)):
        parser.add_argument(f"--{name}", type=int, default=size, help="at once (default %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="at rest and besieged (default %(default)s)"
    )
    wanted = parser.parse_args()
    with durable_servers() as servers, contextlib.closing(Portal(servers)) as portal:
        progress("at rest")
        portal.measure(3)  # what is loaded once
        used = seconds_of_family(portal.process.pid)
        rest = portal.measure(wanted.seconds)
        used_at_rest = (seconds_of_family(portal.process.pid) - used) / wanted.seconds
        start = resident_bytes(portal.process.pid)
        with Memory(portal.process) as memory, besieged(servers, portal, wanted) as besiegers:
            besiegers.wait_until(
                lambda: f'"sockets open": {wanted.sockets}' in besiegers.output or not wanted.sockets,
                what="sockets open",
                seconds=120,
            )
            progress(f"besieged; {load()}")
            used = seconds_of_family(portal.process.pid)
            siege = portal.measure(wanted.seconds)
            used_besieged = (seconds_of_family(portal.process.pid) - used) / wanted.seconds
            counted = json.loads(besiegers.output.splitlines()[-1])
        is_kept = report(rest, siege)
        growth = (memory.most - start) / MB
        say(f"\nwhat the besiegers counted: {counted}")
        say(f"processor: {used_at_rest:.0%} of one at rest, {used_besieged:.0%} besieged")
        say(f"memory: {start / MB:.0f} MB at rest, {growth:+.0f} MB at most (at most {MOST_GROWTH})")
        say(f"answers within {MOST_MS:.0f} ms, {SHARE:.0%} of each kind: {'kept' if is_kept else 'missed'}")
        is_kept &= growth <= MOST_GROWTH
    sys.exit(not is_kept)


if __name__ == "__main__":
    main()
