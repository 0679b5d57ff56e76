"""PgBouncer in front of the session's PostgreSQL, where it is installed."""

import os
import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

import environ
import pytest

from tests.services.ports import free_port
from tests.services.servers import Server, hand_over, temporary_directory, unprivileged


def find_program() -> Path:
    """Where there is none (Debian has it as pgbouncer, wheels have it nowhere), skips the test, or fails it with
    REQUIRE_PGBOUNCER=1."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None:
        if os.environ.get("REQUIRE_PGBOUNCER", "") == "1":
            pytest.fail("PgBouncer is not installed. Debian: apt-get install pgbouncer")
        pytest.skip("PgBouncer is not installed")
    return Path(found)


class PgBouncer:
    """``url`` leads to the database of ``database_url``, by ``size`` connections of the server's at most."""

    def __init__(self, database_url: str, *, pool_mode: str, size: int, options: str = "") -> None:
        to = environ.Env.db_url_config(database_url)
        self._server = Server(temporary_directory())
        self._port = free_port()
        directory = self._server.directory
        (directory / "users.txt").write_text(f'"{to["USER"]}" "{to["PASSWORD"] or ""}"\n')
        port = f" port={to['PORT']}" if to["PORT"] else ""
        (directory / "pgbouncer.ini").write_text(
            f"[databases]\n{to['NAME']} = host={to['HOST']}{port} dbname={to['NAME']}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self._port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = users.txt\npool_mode = {pool_mode}\n"
            f"default_pool_size = {size}\nmax_client_conn = 200\n{options}\n"
        )
        hand_over(directory)
        self.url = (
            f"postgres://{to['USER']}@127.0.0.1:{self._port}/{urlsplit(database_url).path.rpartition('/')[2]}"
        )

    def start(self) -> None:
        self._server.launch(
            [str(find_program()), "pgbouncer.ini"], ready=self._answers, seconds=120, identity=unprivileged()
        )

    def stop(self) -> None:
        self._server.stop()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0
