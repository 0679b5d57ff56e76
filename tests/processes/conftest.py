import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.services.databases import DatabaseCopies
from tests.services.platform import APP_ID, APP_SECRET, SandboxClient
from tests.services.ports import free_port
from tests.services.postgresql import RestartablePostgreSQL, find_programs
from tests.services.processes import PROJECT, ManagedProcess, ProcessStarter, clean_environment
from tests.services.redis_server import Redis, find_program
from tests.services.rows import Rows
from tests.services.sandboxes import HOST, running_sandbox
from tests.services.session import Services


def adding_a_bot(url: str, app_id: str = APP_ID) -> tuple[str, ...]:
    return ("addbot", "Helper", "--app-id", app_id, "--open-url", url, "--accounts-url", url)


@pytest.fixture(scope="session")
def sandbox_port() -> int:
    """The same for every test, so that a database can be copied with the sandbox's address in it."""
    return free_port()


@pytest.fixture
def sandbox(sandbox_port: int) -> Iterator[SandboxClient]:
    """A sandbox with one app, which the portal knows where a test asks for ``bot``."""
    with running_sandbox(sandbox_port) as opened:
        opened.put_app(app_secret=APP_SECRET)
        yield opened


@pytest.fixture(scope="session")
def database_with_bot(database_copies: DatabaseCopies, services: Services, sandbox_port: int) -> str:
    """A database to copy: with the sandbox's app as a bot, added the way an operator does."""
    url = database_copies.create()
    environment = clean_environment(services.directory / "data") | {"DATABASE_URL": url}
    subprocess.run(
        [sys.executable, "manage.py", *adding_a_bot(f"http://{HOST}:{sandbox_port}")],
        cwd=PROJECT,
        env=environment | {"FEISHU_APP_SECRET": APP_SECRET},
        timeout=100,
        check=True,
    )
    return url


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_copies: DatabaseCopies) -> Iterator[str]:
    """With the bot where a test asks for it."""
    with_bot = "bot" in request.fixturenames
    url = database_copies.create(of=request.getfixturevalue("database_with_bot") if with_bot else "")
    yield url
    database_copies.drop(url)


@pytest.fixture
def bot(sandbox: SandboxClient, environment: dict[str, str]) -> None:
    """The portal speaks for the sandbox's app from the start."""


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
def own_redis(environment: dict[str, str]) -> Iterator[str]:
    """A server that may be wiped."""
    server = Redis(find_program())
    server.start()
    environment["REDIS_URL"] = server.url
    yield server.url
    server.stop()


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
            "manage.py", *adding_a_bot(sandbox.url, app_id), *arguments,
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
