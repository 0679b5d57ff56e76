"""A server program run for the length of a test session, in a temporary directory of its own."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.services.failure import ServiceError

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def temporary_directory() -> Path:
    """A new directory with a short name: the path of a Unix socket in it must stay under 107 bytes."""
    return Path(tempfile.mkdtemp(prefix="fp-", dir="/tmp"))


def unprivileged() -> dict[str, Any]:
    """Arguments for Popen that leave root behind, for programs that refuse to run as root; empty otherwise."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def hand_over(directory: Path) -> None:
    """Gives a tree made by root to the user that ``unprivileged`` programs run as."""
    identity = unprivileged()
    if not identity:
        return
    for path in (directory, *directory.rglob("*")):
        os.chown(path, identity["user"], identity["group"], follow_symlinks=False)


class Server:
    """A child process with a log file. It hears no Ctrl-C of ours: it is stopped after the tests, in order."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    def launch(
        self, command: Sequence[str], *, ready: Callable[[], bool], seconds: float, identity: dict[str, Any]
    ) -> None:
        """Starts ``command`` and returns once ``ready()`` is true.

        Raises ServiceError with the end of the log when the program ends or is not ready within ``seconds``.
        """
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=ENVIRONMENT,
                start_new_session=True,
                **identity,
            )
        deadline = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < deadline:
            if ready():
                return
            time.sleep(0.02)
        self._end(signal.SIGKILL)
        raise ServiceError(f"{command[0]} did not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    def stop(self, *, politely: signal.Signals = signal.SIGTERM) -> None:
        """Stops the program, firmly after ten seconds, and removes its directory. May be called twice."""
        self._end(politely)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _end(self, politely: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(politely)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=10)
        self._process = None
