"""What the portal costs: a token read against an empty API call, a proxied call against the same one made directly, and the
memory of a large download. Everything side by side, in turn, in one run: ``make bench-tokens``.

Starts PostgreSQL (durable, as in production), Redis, a stand-in for the platform that does next to nothing, and one web
process.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx2

from bench.report import progress, say
from bench.servers import Servers, durable_servers, web_of_one_person

WARM_UP = 40
AT_ONCE = 32
PLATFORM_MS = (20, 50)  # what a platform nearby takes
TASKS = "/open-apis/task/v2/tasks"


def medians(calls: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Milliseconds of each call, made in turn so that all see the same machine."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(WARM_UP + rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            if number >= WARM_UP:
                times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def throughput(call: Callable[[], object], *, count: int) -> float:
    """Calls in a second from ``AT_ONCE`` threads."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        started = time.perf_counter()
        for done in [threads.submit(call) for _ in range(count)]:
            done.result()
        return count / (time.perf_counter() - started)


def memory(pid: int) -> tuple[float, float]:
    """Resident memory of a process now and at most, in MiB."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


def _get(client: httpx2.Client, path: str, query: dict[str, str]) -> None:
    client.get(path, params=query).raise_for_status()


def compare(client: httpx2.Client, direct: httpx2.Client, app_id: str, *, rounds: int) -> None:
    proxied = f"/proxy/{app_id}/users/ou_asked{TASKS}"
    calls: dict[str, Callable[[], object]] = {
        "empty": lambda: client.get("/api/v1/bots/none"),
        "token": lambda: client.post(
            f"/api/v1/bots/{app_id}/users/ou_asked/token", json={}
        ).raise_for_status(),
    }
    for ms in (0, *PLATFORM_MS):
        query = {"ms": str(ms)}
        calls[f"direct {ms}"] = partial(_get, direct, TASKS, query)
        calls[f"proxied {ms}"] = partial(_get, client, proxied, query)
    found = medians(calls, rounds=rounds)
    say(
        f"{'token read against an empty authenticated call':<48} token {found['token']:6.2f} ms   "
        f"empty {found['empty']:6.2f} ms   {found['token'] / found['empty']:.2f} ×"
    )
    for ms in (*PLATFORM_MS, 0):
        words = f"platform takes {ms} ms (goal: 2 ×)" if ms else "platform answers at once (no goal)"
        through, past = found[f"proxied {ms}"], found[f"direct {ms}"]
        say(
            f"{f'proxied call, {words}':<48} proxied {through:6.2f} ms   direct {past:6.2f} ms   {through / past:.2f} ×   "
            f"{through - past:.1f} ms more"
        )
    at_once = httpx2.Limits(max_connections=AT_ONCE)
    with (
        httpx2.Client(base_url=client.base_url, headers=client.headers, limits=at_once, timeout=60) as many,
        httpx2.Client(base_url=direct.base_url, limits=at_once, timeout=60) as many_direct,
    ):
        through = throughput(lambda: many.get(proxied).raise_for_status(), count=4 * rounds)
        past = throughput(lambda: many_direct.get(TASKS).raise_for_status(), count=4 * rounds)
    say(f"{f'{AT_ONCE} callers at once':<48} proxied {through:5.0f}/s      direct {past:6.0f}/s")


def download(client: httpx2.Client, app_id: str, pid: int, *, megabytes: int) -> None:
    path = f"/proxy/{app_id}/users/ou_asked/open-apis/drive/v1/medias/m/download"
    before, _ = memory(pid)
    started, received = time.perf_counter(), 0
    with client.stream("GET", path, params={"mb": str(megabytes)}) as response:
        response.raise_for_status()
        for chunk in response.iter_raw():
            received += len(chunk)
    seconds = time.perf_counter() - started
    after, most = memory(pid)
    say(
        f"{f'{received // 2**20} MiB through the proxy':<48} {received / 2**20 / seconds:.0f} MiB/s   resident before "
        f"{before:.0f}, after {after:.0f}, at most {most:.0f} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=400, help="calls of each kind (default %(default)s)")
    parser.add_argument("--megabytes", type=int, default=200, help="of the download (default %(default)s)")
    options = parser.parse_args()
    with durable_servers() as servers:
        _measure(servers, options)


def _measure(servers: Servers, options: argparse.Namespace) -> None:
    web = web_of_one_person(servers)
    headers = {"Authorization": f"Bearer {web.key}"}
    with (
        httpx2.Client(base_url=web.address, headers=headers, timeout=60) as client,
        httpx2.Client(base_url=web.platform, timeout=60) as direct,
    ):
        progress(f"{options.rounds} calls of each kind, in turn, one caller; medians follow")
        compare(client, direct, web.app_id, rounds=options.rounds)
        progress(f"a download of {options.megabytes} MiB")
        download(client, web.app_id, web.pid, megabytes=options.megabytes)


if __name__ == "__main__":
    main()
