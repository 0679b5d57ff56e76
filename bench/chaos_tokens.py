"""What failures cost: ``make chaos-tokens``. The sandbox's own books are the judge.

Each scene lets a refresher work on many grants while something goes wrong, and prints how many are alive, lost (spent at the
platform, the answer gone), taken for alive without being it, given up without need, and how often a refresh token was
shown again.
"""

import argparse
import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Self

import httpx2

from bench.portal import MeasuredPortal, measured_portal
from bench.report import say
from tests.services.platform import APP_ID
from tests.services.processes import ManagedProcess

PATIENT = {"FEISHU_REFRESH_LEASE_SECONDS": "15"}
"""A call may take 5 s: a busy machine needs them, and what is counted is what else goes wrong."""


def slow(portal: MeasuredPortal, number: int) -> str:
    """Three in a hundred calls take nearly as long as we wait."""
    portal.environment |= PATIENT
    return _faulty(portal, number, {"latency": 3.0, "share": 0.03}, access_seconds=90)


def too_slow(portal: MeasuredPortal, number: int) -> str:
    """Three in a hundred calls take longer than we wait, and are carried out: answers that nobody hears."""
    return _faulty(portal, number, {"latency": 2.0, "share": 0.03})


def lossy(portal: MeasuredPortal, number: int) -> str:
    """One in a hundred answers is lost after the platform has carried the call out."""
    return _faulty(portal, number, {"drop": "after", "share": 0.01})


def unreachable(portal: MeasuredPortal, number: int) -> str:
    """One in ten calls is cut before the platform has read it."""
    return _faulty(portal, number, {"drop": "before", "share": 0.1})


def _faulty(
    portal: MeasuredPortal, number: int, fault: dict[str, object], *, access_seconds: float = 25
) -> str:
    portal.put_grants(number, access_seconds=access_seconds)
    portal.sandbox.faults(token=fault)
    refresher = _at_work(portal)
    _until_settled(
        portal, refresher, number, lambda: portal.sandbox.faults() if portal.used() >= number * 0.97 else None
    )
    portal.sandbox.faults()
    return f"{number} grants"


def killed_workers(portal: MeasuredPortal, number: int) -> str:
    """General workers and web processes are killed while the refresher works and callers ask for tokens that have to be
    refreshed for them: each web process after it was asked, the workers' children at any time."""
    portal.environment |= PATIENT
    portal.put_grants(number, access_seconds=150)
    portal.sandbox.faults(token={"latency": 0.3})
    refresher, worker = _at_work(portal), _worker(portal)
    with Crowd(portal.api_key(), portal.people()) as crowd:
        kills = 0
        while kills < number:
            url, web = portal.web()
            crowd.asks(url)
            children = _children(worker)
            for pid in children:
                os.kill(pid, signal.SIGKILL)
            web.kill()
            kills += 1 + len(children)
            if portal.unsettled() < number / 10:
                portal.put_grants(number // 4, access_seconds=150)
                crowd.people = portal.people()
    portal.sandbox.faults()
    _until_settled(portal, refresher, number)
    return f"{kills} kills of web and worker processes, {crowd.answered} answers meanwhile"


class Crowd:
    """Callers, as many at once as there are threads."""

    def __init__(self, key: str, people: list[str]) -> None:
        self.people = people
        self.answered = 0
        self._http = httpx2.Client(headers={"Authorization": f"Bearer {key}"}, timeout=10)
        self._threads = ThreadPoolExecutor(8)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._http.close()

    def asks(self, url: str) -> None:
        """For tokens that last longer than those that are there; returns when the first answers have come."""
        asking = [self._threads.submit(self._ask, url, random.choice(self.people)) for _ in range(24)]
        wait(asking[:4], timeout=20)

    def _ask(self, url: str, open_id: str) -> None:
        with contextlib.suppress(httpx2.HTTPError):
            self._http.post(f"{url}/api/v1/bots/{APP_ID}/users/{open_id}/token", json={"min_ttl": 300})
            self.answered += 1


def without_database(portal: MeasuredPortal, times: int) -> str:
    """PostgreSQL goes away, again and again, while answers are on their way."""
    portal.put_grants(times * 12, access_seconds=120)
    portal.sandbox.faults(token={"latency": 0.8})
    refresher, outages = _at_work(portal), 0
    while outages < times and portal.unsettled():
        refresher.wait_until(lambda: portal.count("phase = 'sending'") >= 4, what="work", seconds=60)
        used = portal.used()
        refresher.wait_until(lambda used=used: portal.used() > used, what="an answer", seconds=60)
        with portal.database_away():
            time.sleep(2)
        outages += 1
    portal.sandbox.faults()
    _until_settled(portal, refresher, times * 12)
    return f"{outages} times without a database"


def stopped_refreshers(portal: MeasuredPortal, number: int) -> str:
    """The refresher is asked to end, again and again, in the middle of its work."""
    return _ended(portal, number, lambda refresher: refresher.stop(seconds=30), "asked to end")


def killed_refreshers(portal: MeasuredPortal, number: int) -> str:
    """The refresher itself is killed in the middle of its work: what it had under way is lost or found by its probe."""
    return _ended(portal, number, lambda refresher: refresher.kill(), "killed")


def _ended(portal: MeasuredPortal, times: int, end: Callable[[ManagedProcess], object], how: str) -> str:
    portal.put_grants(times * 12, access_seconds=60)
    portal.sandbox.faults(token={"latency": 0.5})
    portal.scheduler()
    for _ in range(times):
        before, refresher = portal.used(), portal.refresher()
        refresher.wait_until(lambda before=before: portal.used() > before, what="work", seconds=60)
        end(refresher)
    portal.sandbox.faults()
    _until_settled(portal, portal.refresher(), times * 12)
    return f"{how} {times} times"


def _at_work(portal: MeasuredPortal) -> ManagedProcess:
    portal.scheduler()
    return portal.refresher()


def _worker(portal: MeasuredPortal) -> ManagedProcess:
    process = portal.start(
        "-m", "celery", "-A", "feishu_portal", "worker", "--concurrency", "2", "--without-mingle",
        environment=portal.environment, tracebacks=True,
    )  # fmt: skip
    process.wait_for("celery@.* ready", seconds=60)
    return process


def _children(process: ManagedProcess) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


def _until_settled(
    portal: MeasuredPortal, refresher: ManagedProcess, number: int, each: Callable[[], object] = lambda: None
) -> None:
    deadline = time.monotonic() + 120 + number / 5
    while portal.unsettled() and time.monotonic() < deadline and refresher.exit_code is None:
        each()
        time.sleep(1)


SCENES = (
    slow,
    too_slow,
    lossy,
    unreachable,
    killed_workers,
    stopped_refreshers,
    killed_refreshers,
    without_database,
)
COUNTED_IN_ENDS = (stopped_refreshers, killed_refreshers, without_database)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", choices=[scene.__name__ for scene in SCENES], action="append")
    parser.add_argument("--number", type=int, default=300, help="grants, or kills (default %(default)s)")
    parser.add_argument(
        "--ends", type=int, default=20, help="ends of the refresher, or of the database (default %(default)s)"
    )
    options = parser.parse_args()
    for scene in SCENES:
        if options.scene and scene.__name__ not in options.scene:
            continue
        number = options.ends if scene in COUNTED_IN_ENDS else options.number
        with measured_portal() as portal:
            what = scene(portal, number)
            verdict = portal.verdict()
        say(f"{scene.__name__}: {what}: {verdict}")


if __name__ == "__main__":
    main()
