"""What a measurement of the refresher runs on: a PostgreSQL, a Redis, a sandbox and a portal of its own, all on loopback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.databases import DatabaseCopies
from tests.services.platform import APP_ID, APP_SECRET, SandboxClient
from tests.services.ports import free_port
from tests.services.processes import ProcessStarter
from tests.services.refreshing import Refreshing
from tests.services.servers import temporary_directory
from tests.services.session import Services


@contextmanager
def measured_portal(**environment: str) -> Iterator[Refreshing]:
    """Servers, sandbox and one bot; whatever was started ends with the block."""
    services = Services(os.environ)
    services.start()
    services.start_database()
    databases, directory = DatabaseCopies(services), temporary_directory()
    start = ProcessStarter(directory)
    try:
        yield _portal(start, databases.create(), services.redis_url, directory, environment)
    finally:
        start.close()
        services.stop()


def _portal(
    start: ProcessStarter, database_url: str, redis_url: str, directory: Path, environment: dict[str, str]
) -> Refreshing:
    port = free_port()
    start("manage.py", "runsandbox", "--port", str(port)).wait_for_port(port, seconds=60)
    sandbox = SandboxClient(f"http://127.0.0.1:{port}")
    sandbox.put_app(app_secret=APP_SECRET)
    values = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    process = start(
        "manage.py", "addbot", "Helper", "--app-id", APP_ID, "--open-url", sandbox.url, "--accounts-url", sandbox.url,
        environment=values | {"FEISHU_APP_SECRET": APP_SECRET},
    )  # fmt: skip
    if process.wait_for_exit(seconds=60) != 0:
        raise SystemExit(process.output)
    portal = Refreshing(start, values, sandbox, directory)
    portal.environment |= environment
    return portal


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
