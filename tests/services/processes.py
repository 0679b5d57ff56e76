"""Real portal processes: started with a clean environment, watched through their output, ended and then examined."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from tests.services.leaks import looks_like_a_secret, tells_secrets, ways_found
from tests.services.session import SECRETS

T = TypeVar("T")
PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 180.0
"""Seconds to wait for what must come: a bound against hangs, on a machine that is busy with ten other things."""


def clean_environment(data_dir: Path) -> dict[str, str]:
    """What every process gets: nothing of the developer's shell, keys, and a data directory of its own."""
    return SECRETS | {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(data_dir),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "ENV_FILE": os.devnull,
        "PUBLIC_URL": "http://portal.test",
        "FEISHU_PLATFORM_NETWORKS": "public,private,loopback",  # where the sandbox and other stand-ins are
        "DATA_DIR": str(data_dir),
    }


def wait_until(condition: Callable[[], T | None], *, what: str, seconds: float = PATIENCE) -> T:
    """The first true value of ``condition()``; raises AssertionError when the time is up before."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"No {what} within {seconds:g} s.")
        time.sleep(0.02)
    return found


class ManagedProcess:
    """A child process in a session of its own; what it prints, on either stream, is in ``output``."""

    def __init__(
        self, command: list[str], *, environment: Mapping[str, str], log: Path, folder: Path = PROJECT
    ) -> None:
        self.command = command
        self._log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=dict(environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def output_from(self, position: int) -> tuple[str, int]:
        """What it printed behind this position, in bytes, and the position behind that."""
        with self._log.open("rb") as file:
            file.seek(position)
            printed = file.read()
        return printed.decode(errors="replace"), position + len(printed)

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self._process.poll()

    def wait_for(self, pattern: str, *, seconds: float = PATIENCE) -> re.Match[str]:
        """The first match of the regular expression in the output, as soon as it is there."""
        return self.wait_until(
            lambda: re.search(pattern, self.output), what=f"output like {pattern!r}", seconds=seconds
        )

    def wait_for_port(self, port: int, *, seconds: float = PATIENCE) -> None:
        """Returns once something listens on the loopback port."""
        self.wait_until(lambda: _is_listening(port), what=f"port {port}", seconds=seconds)

    def wait_until(self, condition: Callable[[], T | None], *, what: str, seconds: float = PATIENCE) -> T:
        """The first true value of ``condition()``.

        Raises AssertionError, with the end of the output, when the process ends or the time is up before.
        """
        deadline = time.monotonic() + seconds
        while True:
            ended = self.exit_code is not None
            if found := condition():
                return found
            if ended or time.monotonic() > deadline:
                state = f"ended with {self.exit_code}" if ended else f"was given {seconds:g} s"
                raise AssertionError(f"No {what}: {self} {state}.\n{self.output[-3000:]}")
            time.sleep(0.02)

    def wait_for_exit(self, *, seconds: float = PATIENCE) -> int:
        """The exit code; raises AssertionError when the process still runs after ``seconds``."""
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self} still runs after {seconds:g} s.\n{self.output[-3000:]}") from None

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self, *, seconds: float = PATIENCE) -> int:
        """Asks with SIGTERM and returns the exit code; raises AssertionError when it does not obey in time."""
        self.send(signal.SIGTERM)
        try:
            return self.wait_for_exit(seconds=seconds)
        finally:
            self.kill()

    def kill(self) -> None:
        """Ends the process and its children at once, as a power failure would. May be called twice."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(timeout=10)

    def __str__(self) -> str:
        return " ".join(self.command[1:])


class ProcessStarter:
    """Starts the processes of one test and, at its end, stops them and reads what they printed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started: list[ManagedProcess] = []
        self._may_print_tracebacks: list[ManagedProcess] = []
        self.secrets: set[str] = set()

    def __call__(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        tracebacks: bool = False,
        folder: Path = PROJECT,
    ) -> ManagedProcess:
        """Starts Python with ``arguments``, e.g. ``("manage.py", "runfeishu")`` or ``("-m", "celery", …)``.

        The process sees ``clean_environment`` and ``environment``, nothing else; its data directory is shared with the
        other processes of the test. ``tracebacks=True`` says that the test makes it print some. ``folder`` is where another
        version of the portal lies.
        """
        environment = clean_environment(self._directory / "data") | dict(environment or {})
        log = self._directory / f"process-{len(self._started) + 1}.log"
        process = ManagedProcess(
            [sys.executable, *arguments], environment=environment, log=log, folder=folder
        )
        self._started.append(process)
        if tracebacks:
            self._may_print_tracebacks.append(process)
        return process

    def close(self) -> list[str]:
        """Stops what still runs, last started first, and returns what is to be complained of."""
        complaints = []
        for process in reversed(self._started):
            try:
                if process.exit_code is None:
                    process.stop()
            except AssertionError as error:
                complaints.append(str(error))
            finally:
                process.kill()
            complaints += self._read(process)
        return complaints

    def _read(self, process: ManagedProcess) -> list[str]:
        output = process.output
        complaints = [
            f"{process} printed a secret {how}."
            for secret in self.secrets
            for how in ways_found(secret, output)
        ]
        if looks_like_a_secret(output) and not tells_secrets(str(process)):
            complaints.append(f"{process} printed what looks like a token or a key.")
        first = output.find("Traceback (most recent call last)")
        if first >= 0 and process not in self._may_print_tracebacks:
            around = output[max(0, first - 1000) : first + 4000]
            complaints.append(f"{process} printed a traceback:\n{around}")
        return complaints


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
