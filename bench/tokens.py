"""What the portal costs: a token read against an empty API call, a proxied call against the same one made directly, and the
memory of a large download. Everything side by side, in turn, in one run; starts and stops all it needs.

``make bench-tokens``, on PostgreSQL (DATABASE_URL, else one of its own).
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from tests.services import postgresql  # noqa: E402
from tests.services.databases import DatabaseCopies  # noqa: E402
from tests.services.ports import free_port  # noqa: E402
from tests.services.session import SECRETS, Services  # noqa: E402

ROUNDS = 400
WARM_UP = 40
AT_ONCE = 32
MEGABYTES = 200
PLATFORM_MS = (20, 50)  # what a platform nearby takes
TASKS = "/open-apis/task/v2/tasks"


@contextmanager
def server(app: str, environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Uvicorn with ``app``: its address and process id."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        app,
        "--port",
        str(port),
        "--log-level",
        "warning",
        "--no-access-log",
    ]
    process = subprocess.Popen(command, cwd=PROJECT, env=os.environ | environment)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(url, timeout=5)
                break
            except httpx.TransportError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise SystemExit(f"{app} did not start.") from None
                time.sleep(0.1)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)


def medians(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Milliseconds of each call, made in turn so that all see the same machine."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(WARM_UP + ROUNDS):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            if number >= WARM_UP:
                times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def throughput(call: Callable[[], object]) -> float:
    """Calls in a second from ``AT_ONCE`` threads."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        started = time.perf_counter()
        for done in [threads.submit(call) for _ in range(ROUNDS * 4)]:
            done.result()
        return ROUNDS * 4 / (time.perf_counter() - started)


def memory(pid: int) -> tuple[float, float]:
    """Resident memory of a process now and at most, in MiB."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


def make_rows(platform: str) -> tuple[str, str]:
    """A bot with one authorized person and a client; App ID and key."""
    import django  # noqa: PLC0415 -- after the environment is set

    django.setup()
    from django.db import connections  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from core.access.actors import SYSTEM  # noqa: PLC0415
    from core.access.api_keys import add_api_client  # noqa: PLC0415
    from core.access.scopes import Scope  # noqa: PLC0415
    from tests.factories import make_bot, make_grant  # noqa: PLC0415

    bot = make_bot(open_url=platform, accounts_url=platform)
    token = "u-" + "x" * 1500  # as long as the platform's
    make_grant(bot, access_token=token, access_expires_at=timezone.now() + timedelta(hours=2))
    _client, key = add_api_client(name="bench", scopes=list(Scope), app_ids=[], expires_at=None, actor=SYSTEM)
    connections.close_all()
    return bot.app_id, key


def _get(client: httpx.Client, path: str, query: dict[str, str]) -> None:
    client.get(path, params=query).raise_for_status()


def compare(client: httpx.Client, direct: httpx.Client, app_id: str) -> None:
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
    found = medians(calls)
    print(
        f"{'token read against an empty authenticated call':<48} token {found['token']:6.2f} ms   "
        f"empty {found['empty']:6.2f} ms   {found['token'] / found['empty']:.2f} ×"
    )
    for ms in (*PLATFORM_MS, 0):
        words = f"platform takes {ms} ms (goal: 2 ×)" if ms else "platform answers at once (no goal)"
        through, past = found[f"proxied {ms}"], found[f"direct {ms}"]
        print(
            f"{f'proxied call, {words}':<48} proxied {through:6.2f} ms   direct {past:6.2f} ms   {through / past:.2f} ×   "
            f"{through - past:.1f} ms more"
        )
    at_once = httpx.Limits(max_connections=AT_ONCE)
    with (
        httpx.Client(base_url=client.base_url, headers=client.headers, limits=at_once, timeout=60) as many,
        httpx.Client(base_url=direct.base_url, limits=at_once, timeout=60) as many_direct,
    ):
        through = throughput(lambda: many.get(proxied).raise_for_status())
        past = throughput(lambda: many_direct.get(TASKS).raise_for_status())
    print(f"{f'{AT_ONCE} callers at once':<48} proxied {through:5.0f}/s      direct {past:6.0f}/s")


def download(client: httpx.Client, app_id: str, pid: int) -> None:
    path = f"/proxy/{app_id}/users/ou_asked/open-apis/drive/v1/medias/m/download"
    before, _ = memory(pid)
    started, received = time.perf_counter(), 0
    with client.stream("GET", path, params={"mb": str(MEGABYTES)}) as response:
        response.raise_for_status()
        for chunk in response.iter_raw():
            received += len(chunk)
    seconds = time.perf_counter() - started
    after, most = memory(pid)
    print(
        f"{f'{received // 2**20} MiB through the proxy':<48} {received / 2**20 / seconds:.0f} MiB/s   resident before "
        f"{before:.0f}, after {after:.0f}, at most {most:.0f} MiB"
    )


def main() -> None:
    with ExitStack() as stack:
        # The tests' server does without what makes a commit durable; here that is what is measured.
        postgresql.SETTINGS = ("listen_addresses=", "max_connections=200")
        services = Services(os.environ)
        stack.callback(services.stop)
        services.start()
        services.start_database()
        copies = DatabaseCopies(services)
        stack.callback(copies.close)
        database_url = copies.create()
        stack.callback(copies.drop, database_url)
        environment: dict[str, Any] = SECRETS | {
            "DATABASE_URL": database_url,
            "REDIS_URL": services.redis_url,
            "DEBUG": "off",
            "PUBLIC_URL": "http://portal.test",
            "ALLOWED_HOSTS": "127.0.0.1",
            "LOG_LEVEL": "ERROR",
            "DATA_DIR": stack.enter_context(tempfile.TemporaryDirectory()),
            "DJANGO_SETTINGS_MODULE": "feishu_portal.settings",
        }
        os.environ.update(environment)
        platform, _pid = stack.enter_context(server("bench.upstream:app", environment))
        app_id, key = make_rows(platform)
        portal, pid = stack.enter_context(server("feishu_portal.asgi:application", environment))
        headers = {"Authorization": f"Bearer {key}"}
        client = stack.enter_context(httpx.Client(base_url=portal, headers=headers, timeout=60))
        direct = stack.enter_context(httpx.Client(base_url=platform, timeout=60))
        print(f"medians of {ROUNDS}, in turn, one caller; {services.description}")
        compare(client, direct, app_id)
        download(client, app_id, pid)


if __name__ == "__main__":
    main()
