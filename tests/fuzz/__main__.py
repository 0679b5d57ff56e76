"""``make fuzz``: shots of every source at a real portal of four processes, for some minutes; fails on what the judge finds."""

import argparse
import json
import secrets
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice

import httpx2
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning

from tests.fuzz.gateway import running_gateway
from tests.fuzz.judge import Judge
from tests.fuzz.portal import Portal
from tests.fuzz.shots import Answer, Gun, Shot
from tests.fuzz.sources import sources
from tests.fuzz.upstream import running_upstream
from tests.services.databases import DatabaseCopies
from tests.services.ports import free_port
from tests.services.processes import ManagedProcess, ProcessStarter
from tests.services.sandboxes import running_sandbox
from tests.services.servers import temporary_directory
from tests.services.session import Services

SLICE = 40
"""Shots of a source before the next one has its turn."""
FIXED_SEEDS = (1, 2)
"""Of the first rounds; those after them are fresh, and printed."""


class TimeIsUpError(Exception):
    pass


@dataclass
class Target:
    """A running portal, and the way to send at it."""

    portal: Portal
    send: Callable[[Shot], Answer]
    processes: list[ManagedProcess]


@contextmanager
def running() -> Iterator[Target]:
    """PostgreSQL, Redis, sandbox, gateway; web, connections, worker and scheduler of the portal."""
    with ExitStack() as stack:
        services = Services({"TEST_DATABASE": "postgres"})
        stack.callback(services.stop)
        services.start()
        directory = temporary_directory()
        start = ProcessStarter(directory)
        stack.callback(start.close)
        copies = DatabaseCopies(services)
        gateway = stack.enter_context(running_gateway(free_port()))
        sandbox = stack.enter_context(running_sandbox(free_port()))
        upstream = stack.enter_context(running_upstream())
        port = free_port()
        url = f"http://localhost:{port}"
        environment = {
            "DATABASE_URL": copies.create(), "REDIS_URL": services.redis_url, "PUBLIC_URL": url, "FEISHU_RETRY_SECONDS": "1",
            "FEISHU_RECONCILE_SECONDS": "0.5", "FEISHU_DELIVERY_NETWORKS": "loopback",
        }  # fmt: skip
        metrics_port = free_port()
        rows = _rows(start, environment, sandbox.url, gateway.url, upstream.url)
        rows["metrics"] = f"http://127.0.0.1:{metrics_port}"
        sandbox.put_app(rows["bots"]["speaking"], app_secret="the-app-secret")
        sandbox.put_app(rows["bots"]["private"], app_secret="the-app-secret")
        celery = ("-m", "celery", "-A", "feishu_portal")
        commands = (
            ("-m", "uvicorn", "tests.fuzz.unpaced:application", "--port", str(port), "--no-access-log"),
            ("manage.py", "runfeishu"),
            (*celery, "worker", "--concurrency", "1"),
            (*celery, "beat"),
        )
        of_web = {"FEISHU_METRICS_PORT": str(metrics_port), "FEISHU_METRICS_HOST": "127.0.0.1"}
        processes = [
            start(*command, environment=environment | more, tracebacks=True)
            for command, more in zip(commands, (of_web, {}, {}, {}), strict=True)
        ]
        processes[0].wait_for_port(port, seconds=120)
        processes[1].wait_for("Listening", seconds=120)
        gun = Gun(url, cookie=rows["cookie"])
        stack.callback(gun.close)

        def fetch(address: str) -> str:
            answer = httpx2.get(
                f"{url}{address}", headers={"Cookie": rows["cookie"]}, timeout=60, trust_env=False
            )
            return answer.text

        def send(shot: Shot) -> Answer:
            if shot.kind == "frames":
                return gateway.send(shot)
            upstream.answer, upstream.is_for_tokens = shot.upstream.encode("latin-1"), shot.is_for_tokens
            return gun.send(shot)

        document = json.loads(fetch("/api/v1/openapi.json"))
        yield Target(
            Portal(url, rows, document, fetch),
            send,
            processes,
        )


def _rows(start: ProcessStarter, environment: dict[str, str], *addresses: str) -> dict:
    code = f"from tests.fuzz.rows import make; import json; print('ROWS', json.dumps(make(*{addresses!r})))"
    process = start("manage.py", "shell", "-v", "0", "-c", code, environment=environment)
    if process.wait_for_exit(seconds=120):
        raise SystemExit(process.output)
    return json.loads(process.output.partition("ROWS ")[2].splitlines()[0])


def rounds(given_seed: int | None) -> Iterator[int]:
    yield from FIXED_SEEDS if given_seed is None else (given_seed,)
    number = given_seed or secrets.randbelow(2**31)
    while True:
        number += 1
        yield number


def fire(judge: Judge, strategy: st.SearchStrategy[Shot], number: int, deadline: float) -> None:
    """A slice of shots of one source, as the seed has them. Raises TimeIsUpError."""

    @seed(number)
    @settings(
        max_examples=SLICE, phases=[Phase.generate], database=None, deadline=None, derandomize=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def one(shot: Shot) -> None:
        if time.monotonic() > deadline:
            raise TimeIsUpError
        judge.fire(shot)

    one()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default %(default)s)")
    parser.add_argument("--seed", type=int, help="of the first round; the next ones count on from it")
    parser.add_argument(
        "--source", action="append", help="one of the sources alone; may be given more than once"
    )
    parser.add_argument("--rounds", type=int, help="so many rounds, where the time allows them")
    options = parser.parse_args()
    # Of large examples, and of machinery beside the strategies.
    warnings.simplefilter("ignore", HypothesisWarning)
    with running() as target:
        judge = Judge(target.send, target.processes)
        _go_round(judge, target, options)
    for source, statuses in judge.statuses.items():
        print(f"{source}: {', '.join(f'{count} x {status}' for status, count in sorted(statuses.items()))}")
    print(f"{judge.shots} shots, {judge.slow} slow ones, {len(judge.findings)} findings")
    for finding in judge.findings:
        print(f"\n{finding}")
    return bool(judge.findings)


def _go_round(judge: Judge, target: Target, options: argparse.Namespace) -> None:
    chosen = {
        name: strategy
        for name, strategy in sources(target.portal).items()
        if name in (options.source or [name])
    }
    deadline = time.monotonic() + options.minutes * 60
    for number in islice(rounds(options.seed), options.rounds):
        judge.seed = number
        for name, strategy in chosen.items():
            before, began = judge.shots, time.monotonic()
            try:
                fire(judge, strategy, number, deadline)
            except TimeIsUpError:
                return
            print(
                f"seed {number} {name}: {judge.shots - before} shots in {time.monotonic() - began:.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    sys.exit(main())
