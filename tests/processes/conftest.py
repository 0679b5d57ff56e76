from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.services.databases import DatabaseCopies
from tests.services.platform import APP_ID, APP_SECRET, SandboxClient
from tests.services.ports import free_port
from tests.services.postgresql import RestartablePostgreSQL, find_programs
from tests.services.processes import ManagedProcess, ProcessStarter
from tests.services.rows import Rows


@pytest.fixture
def sandbox(environment: dict[str, str], managed_process: ProcessStarter) -> Iterator[SandboxClient]:
    """A sandbox process with one app, which the portal does not know yet."""
    port = free_port()
    managed_process("manage.py", "runsandbox", "--port", str(port)).wait_for_port(port)
    client = SandboxClient(f"http://127.0.0.1:{port}")
    client.put_app(app_secret=APP_SECRET)
    yield client
    client.close()


@pytest.fixture
def environment(database_url: str, redis_url: str, managed_process: ProcessStarter) -> dict[str, str]:
    managed_process.secrets.add(APP_SECRET)
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "FEISHU_RECONCILE_SECONDS": "0.5",
        "FEISHU_LEASE_SECONDS": "2",
    }


@pytest.fixture
def own_server() -> Iterator[RestartablePostgreSQL]:
    server = RestartablePostgreSQL(find_programs())
    yield server
    server.stop()


@pytest.fixture
def own_database(own_server: RestartablePostgreSQL, environment: dict[str, str], tmp_path: Path) -> str:
    services = SimpleNamespace(
        database="postgres", database_url=own_server.url, directory=tmp_path, start_database=own_server.start
    )
    environment["DATABASE_URL"] = DatabaseCopies(services).create()
    return environment["DATABASE_URL"]


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    opened = Rows(database_url)
    yield opened
    opened.close()


@pytest.fixture
def addbot(
    managed_process: ProcessStarter, environment: dict[str, str], sandbox: SandboxClient
) -> Callable[..., None]:
    """Adds the sandbox's app as a bot, or changes it, the way an operator does: with the command."""

    def add(app_id: str = APP_ID, *arguments: str, secret: str = APP_SECRET) -> None:
        process = managed_process(
            "manage.py", "addbot", "Helper", "--app-id", app_id,
            "--open-url", sandbox.url, "--accounts-url", sandbox.url, *arguments,
            environment=environment | {"FEISHU_APP_SECRET": secret},
        )  # fmt: skip
        assert process.wait_for_exit() == 0, process.output

    return add


@pytest.fixture
def runfeishu(managed_process: ProcessStarter, environment: dict[str, str]) -> Callable[..., ManagedProcess]:
    def run(*arguments: str, **values: Any) -> ManagedProcess:
        process = managed_process("manage.py", "runfeishu", *arguments, environment=environment, **values)
        process.wait_for("Listening")
        return process

    return run
