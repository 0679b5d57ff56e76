"""What a measurement of the refresher runs on: a PostgreSQL, a Redis, a sandbox and a portal of its own, all on loopback."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace

from tests.services.databases import DatabaseCopies
from tests.services.platform import APP_ID, APP_SECRET, SandboxClient
from tests.services.ports import free_port
from tests.services.postgresql import RestartablePostgreSQL, find_programs
from tests.services.processes import ManagedProcess, ProcessStarter
from tests.services.refreshing import Refreshing
from tests.services.rows import Rows
from tests.services.servers import temporary_directory
from tests.services.session import Services


class MeasuredPortal(Refreshing):
    """Counts by SQL: to start a process or to ask for all the books each second would be most of what is measured."""

    database_away: Callable[[], AbstractContextManager[None]]
    """No PostgreSQL while the block runs."""

    def count(self, condition: str) -> int:
        """Grants of which the SQL ``condition`` holds."""
        rows = Rows(self.environment["DATABASE_URL"])
        try:
            [number] = rows.one(f"SELECT COUNT(*) FROM auth_sessions_usertoken WHERE {condition}")
        finally:
            rows.close()
        return int(number)

    def unsettled(self) -> int:
        return self.count("generation = 1 AND status = 'active'")

    def web(self) -> tuple[str, ManagedProcess]:
        """A web process that listens, and its address."""
        port = free_port()
        arguments = (
            "-m",
            "uvicorn",
            "feishu_portal.asgi:application",
            "--port",
            str(port),
            "--no-access-log",
        )
        process = self.start(*arguments, environment=self.environment, tracebacks=True)
        process.wait_for_port(port, seconds=120)
        return f"http://127.0.0.1:{port}", process

    def api_key(self) -> str:
        """The key of a client that may have tokens."""
        process = self.start(
            "manage.py", "addapiclient", "crm", "--scope", "tokens:issue", environment=self.environment
        )
        if process.wait_for_exit(seconds=60) != 0:
            raise SystemExit(process.output)
        return process.output.split()[-1]

    def people(self) -> list[str]:
        """The open_ids of all who authorized the bot."""
        rows = Rows(self.environment["DATABASE_URL"])
        try:
            return [open_id for (open_id,) in rows.all("SELECT open_id FROM auth_sessions_usertoken")]
        finally:
            rows.close()


@contextmanager
def measured_portal(**environment: str) -> Iterator[MeasuredPortal]:
    """Servers, sandbox and one bot; whatever was started ends with the block."""
    services, server = Services(os.environ), RestartablePostgreSQL(find_programs())
    directory = temporary_directory()
    start = ProcessStarter(directory)
    services.start()
    databases = DatabaseCopies(
        SimpleNamespace(  # type: ignore[arg-type] -- what it needs of them
            database="postgres", database_url=server.url, directory=directory, start_database=server.start
        )
    )
    try:
        portal = _portal(start, databases.create(), services.redis_url, directory, environment)
        portal.database_away = server.away
        yield portal
    finally:
        start.close()
        server.stop()
        services.stop()


def _portal(
    start: ProcessStarter, database_url: str, redis_url: str, directory: Path, environment: dict[str, str]
) -> MeasuredPortal:
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
    portal = MeasuredPortal(start, values, sandbox, directory)
    portal.environment |= environment
    return portal
