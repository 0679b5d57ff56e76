"""What failures cost: ``make chaos-tokens``. The sandbox's own books are the judge.

Each scene lets a refresher work on many grants while something goes wrong, and prints how many are alive, lost (spent at the
platform, the answer gone), taken for alive without being it, given up without need, and how often a refresh token was
shown again.
"""

import argparse
import time
from collections.abc import Callable

from bench.portal import measured_portal, say
from tests.services.ports import free_port
from tests.services.processes import ManagedProcess
from tests.services.refreshing import Refreshing


def slow(portal: Refreshing, number: int) -> str:
    """Three in a hundred calls take longer than we wait, and are carried out."""
    return _faulty(portal, number, {"latency": 2.0, "share": 0.03})


def lossy(portal: Refreshing, number: int) -> str:
    """One in a hundred answers is lost after the platform has carried the call out."""
    return _faulty(portal, number, {"drop": "after", "share": 0.01})


def unreachable(portal: Refreshing, number: int) -> str:
    """One in ten calls is cut before the platform has read it."""
    return _faulty(portal, number, {"drop": "before", "share": 0.1})


def _faulty(portal: Refreshing, number: int, fault: dict[str, object]) -> str:
    portal.put_grants(number, access_seconds=25)
    portal.sandbox.faults(token=fault)
    refresher = _at_work(portal)
    _until_settled(
        portal, refresher, number, lambda: portal.sandbox.faults() if portal.used() >= number * 0.97 else None
    )
    portal.sandbox.faults()
    return f"{number} grants"


def killed_workers(portal: Refreshing, number: int) -> str:
    """General workers and web processes are killed, one after the other, while the refresher works."""
    portal.put_grants(number, access_seconds=40)
    portal.sandbox.faults(token={"latency": 0.3})
    refresher = _at_work(portal)
    kills = 0
    while kills < number:
        victims = [_web(portal), _worker(portal)]
        for victim in victims:
            victim.kill()
            kills += 1
        if portal.unsettled() == 0:
            portal.put_grants(20, access_seconds=40)
    _until_settled(portal, refresher, number)
    return f"{kills} kills of web and worker processes"


def stopped_refreshers(portal: Refreshing, number: int) -> str:
    """The refresher is asked to end, again and again, in the middle of its work."""
    return _ended(portal, number, lambda refresher: refresher.stop(seconds=30), "asked to end")


def killed_refreshers(portal: Refreshing, number: int) -> str:
    """The refresher itself is killed in the middle of its work: what it had under way is lost or found by its probe."""
    return _ended(portal, number, lambda refresher: refresher.kill(), "killed")


def _ended(portal: Refreshing, times: int, end: Callable[[ManagedProcess], object], how: str) -> str:
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


def _at_work(portal: Refreshing) -> ManagedProcess:
    portal.scheduler()
    return portal.refresher()


def _web(portal: Refreshing) -> ManagedProcess:
    port = free_port()
    process = portal.start(
        "-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port), environment=portal.environment
    )
    process.wait_for_port(port, seconds=60)
    return process


def _worker(portal: Refreshing) -> ManagedProcess:
    process = portal.start(
        "-m", "celery", "-A", "feishu_portal", "worker", "--pool", "solo", "--without-mingle",
        environment=portal.environment,
    )  # fmt: skip
    process.wait_for("celery@", seconds=60)
    return process


def _until_settled(
    portal: Refreshing, refresher: ManagedProcess, number: int, each: Callable[[], object] = lambda: None
) -> None:
    deadline = time.monotonic() + 120 + number / 5
    while portal.unsettled() and time.monotonic() < deadline and refresher.exit_code is None:
        each()
        time.sleep(1)


SCENES = (slow, lossy, unreachable, killed_workers, stopped_refreshers, killed_refreshers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", choices=[scene.__name__ for scene in SCENES], action="append")
    parser.add_argument("--number", type=int, default=300, help="grants, or kills (default %(default)s)")
    parser.add_argument("--ends", type=int, default=20, help="ends of the refresher (default %(default)s)")
    options = parser.parse_args()
    for scene in SCENES:
        if options.scene and scene.__name__ not in options.scene:
            continue
        number = options.ends if scene in {stopped_refreshers, killed_refreshers} else options.number
        with measured_portal() as portal:
            what = scene(portal, number)
            verdict = portal.verdict()
        say(f"{scene.__name__}: {what}: {verdict}")


if __name__ == "__main__":
    main()
