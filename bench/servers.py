"""The servers of a bench: a PostgreSQL as durable as in production, a Redis, and processes, all of its own, on loopback."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import environ
from psycopg.conninfo import make_conninfo

from bench.processor import seconds_of_family
from bench.report import load, say
from tests.services import postgresql
from tests.services.databases import DatabaseCopies, PostgreSQLDatabases, SQLiteFiles
from tests.services.ports import free_port
from tests.services.processes import ManagedProcess, ProcessStarter
from tests.services.redis_server import with_database
from tests.services.servers import temporary_directory
from tests.services.session import SECRETS, Services


class Servers:
    """Hands out databases, brokers and processes."""

    def __init__(self, services: Services, start: ProcessStarter, directory: Path) -> None:
        self.start = start
        self.directory = directory
        self._services = services
        self._copies = DatabaseCopies(services)
        self._files = SQLiteFiles(directory)
        self._brokers = count()
        self._empty = count()

    def postgresql(self) -> str:
        """The URL of a new database with the portal's tables."""
        return self._copies.create()

    def empty_postgresql(self) -> str:
        """The URL of a new database without any table."""
        databases = PostgreSQLDatabases(self._services.database_url)
        return databases.create(f"empty_{os.getpid()}_{next(self._empty)}")

    def sqlite(self, name: str) -> str:
        """The URL of a new file with the portal's tables."""
        url = self._files.create(name)
        self.run("manage.py", "migrate", "--verbosity", "0", environment={"DATABASE_URL": url})
        return url

    def empty_sqlite(self, name: str) -> str:
        """The URL of a file that does not exist yet."""
        return self._files.create(name)

    def broker(self) -> str:
        """The URL of a database of Redis that nobody else uses."""
        return with_database(self._services.redis_url, number=next(self._brokers))

    def run(self, *arguments: str, environment: dict[str, str], seconds: float = 300) -> str:
        """What Python prints when run to its end with ``arguments``. Raises SystemExit where that is an error."""
        process = self.start(*arguments, environment=environment)
        if process.wait_for_exit(seconds=seconds):
            raise SystemExit(process.output)
        return process.output

    def postgresql_seconds(self) -> float:
        """Processor time of all of PostgreSQL."""
        directory = Path(environ.Env.db_url_config(self._services.database_url)["HOST"])
        return seconds_of_family(int((directory / "data" / "postmaster.pid").read_text().split()[0]))


@contextmanager
def durable_servers(*settings: str) -> Iterator[Servers]:
    """Servers for the block; whatever was started ends with it, also on SIGTERM. ``settings``: more of PostgreSQL's."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # The tests' server does without what makes a commit durable; here that is part of what is measured.
    postgresql.SETTINGS = ("listen_addresses=", "max_connections=300", *settings)  # type: ignore[assignment] -- it has more
    given = ("DATABASE_URL", "REDIS_URL")  # a bench fills tables by the thousand, and never those of others
    ours = {name: value for name, value in os.environ.items() if name not in given}
    with ExitStack() as stack:
        services = Services(ours | {"TEST_DATABASE": "postgres"})
        stack.callback(services.stop)
        services.start()
        services.start_database()
        directory = temporary_directory()
        stack.enter_context(_removed(directory))
        start = ProcessStarter(directory)
        stack.callback(_close, start)
        say(f"{services.description}; {load()} at the start")
        yield Servers(services, start, directory)
        say(f"\n{load()} at the end")


def conninfo(url: str) -> str:
    """A database's URL in the form that libpq takes: ours name the directory of a socket as Django has it."""
    config: dict[str, Any] = environ.Env.db_url_config(url)
    return make_conninfo(
        host=config["HOST"], port=config["PORT"] or None, user=config["USER"], dbname=config["NAME"]
    )


@contextmanager
def _removed(directory: Path) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _close(start: ProcessStarter) -> None:
    for complaint in start.close():
        say(f"\n{complaint}")


@dataclass(frozen=True, slots=True)
class Web:
    """A web process with one bot, which one person has authorized."""

    address: str
    pid: int
    platform: str
    """The address of a stand-in for the platform that does next to nothing: ``bench.upstream``."""
    app_id: str
    key: str
    """Of a client that may do everything."""


def web_of_one_person(servers: Servers) -> Web:
    """Started and reachable. From now on this process has the settings of that one, and may read and write its rows."""
    environment = {
        "DATABASE_URL": servers.postgresql(),
        "REDIS_URL": servers.broker(),
        "ALLOWED_HOSTS": "127.0.0.1",
        "LOG_LEVEL": "ERROR",
    }
    os.environ.update(SECRETS | environment)
    os.environ |= {"DJANGO_SETTINGS_MODULE": "feishu_portal.settings", "PUBLIC_URL": "http://portal.test"}
    os.environ |= {"DEBUG": "off", "DATA_DIR": str(servers.directory / "data"), "ENV_FILE": os.devnull}
    platform, _process = _serve(servers, "bench.upstream:app", {})
    app_id, key = _make_rows(platform)
    address, process = _serve(servers, "feishu_portal.asgi:application", environment)
    return Web(address, process.pid, platform, app_id, key)


def _serve(servers: Servers, app: str, environment: dict[str, str]) -> tuple[str, ManagedProcess]:
    """Uvicorn with ``app``: its address and the process."""
    port = free_port()
    process = servers.start(
        "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", "--no-access-log",
        environment=environment,
    )  # fmt: skip
    process.wait_for_port(port, seconds=60)
    return f"http://127.0.0.1:{port}", process


def _make_rows(platform: str) -> tuple[str, str]:
    """A bot with one authorized person and a client; App ID and key."""
    import django  # noqa: PLC0415 -- after the environment is set

    django.setup()
    from django.db import connections  # noqa: PLC0415 -- after Django is set up
    from django.utils import timezone  # noqa: PLC0415 -- after Django is set up

    from core.access.actors import SYSTEM  # noqa: PLC0415 -- after Django is set up
    from core.access.api_keys import add_api_client  # noqa: PLC0415 -- after Django is set up
    from core.access.scopes import Scope  # noqa: PLC0415 -- after Django is set up
    from tests.factories import make_bot, make_grant  # noqa: PLC0415 -- after Django is set up

    bot = make_bot(open_url=platform, accounts_url=platform)
    token = "u-" + "x" * 1500  # as long as the platform's
    make_grant(bot, access_token=token, access_expires_at=timezone.now() + timedelta(hours=2))
    _client, key = add_api_client(name="bench", scopes=list(Scope), bots=[], expires_at=None, actor=SYSTEM)
    connections.close_all()
    return bot.app_id, key
