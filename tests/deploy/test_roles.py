"""Every process as image, units and chart start it: by its role, watched through its port of health, ended by SIGTERM."""

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from feishu_portal.command_line import ROLES
from tests.deploy.programs import PATIENCE
from tests.services.ports import free_port
from tests.services.processes import PROJECT, ManagedProcess, ProcessStarter
from tests.services.servers import temporary_directory

pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres"), pytest.mark.timeout(900)]

PROCESSES = sorted(set(ROLES) - {"demo", "portal"})


def image_says_healthy(port: int) -> bool:
    """By the command with which the image asks."""
    dockerfile = (PROJECT / "deploy/docker/Dockerfile").read_text().replace("\\\n", "")
    check = re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", dockerfile, re.MULTILINE)
    assert check
    program, *arguments = json.loads(check[1])
    assert program == "python"
    asked = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"FEISHU_METRICS_PORT": str(port)},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return asked.returncode == 0


class ServiceManager:
    """systemd's side of the protocol: which process said what."""

    def __init__(self) -> None:
        self.folder = temporary_directory()
        self.address = str(self.folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._heard: set[tuple[int, str]] = set()
        # At once, since a queue of a few datagrams is all that the kernel keeps.
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def has_heard(self, pid: int, state: str) -> bool:
        """Whether the process itself said so, and no child of its."""
        return (pid, state) in self._heard

    def _listen(self) -> None:
        while True:
            said, credentials, *_ = self._socket.recvmsg(4096, socket.CMSG_SPACE(12))
            if said == b"END":
                return
            sender, _, _ = struct.unpack("3i", credentials[0][2])
            self._heard |= {(sender, line) for line in said.decode().splitlines()}

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"END", self.address)
        self._listening.join(timeout=PATIENCE)
        self._socket.close()
        shutil.rmtree(self.folder)


@pytest.fixture
def manager() -> Iterator[ServiceManager]:
    opened = ServiceManager()
    yield opened
    opened.close()


def test_every_role_becomes_healthy_says_so_and_ends_in_order(
    managed_process: ProcessStarter, manager: ServiceManager, database_url: str, redis_url: str
) -> None:
    shared = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LOG_FORMAT": "json",
        "NOTIFY_SOCKET": manager.address,
        "WATCHDOG_USEC": "2000000",
    }
    running: dict[str, tuple[ManagedProcess, int]] = {}
    for role in PROCESSES:
        port = free_port()
        variables = shared | {"FEISHU_METRICS_PORT": str(port), "UVICORN_PORT": str(free_port())}
        process = managed_process("-m", "feishu_portal.command_line", role, environment=variables)
        running[role] = process, port
    for process, port in running.values():
        for state in ("READY=1", "WATCHDOG=1"):
            process.wait_until(partial(manager.has_heard, process.pid, state), what=state, seconds=PATIENCE)
        process.wait_until(partial(image_says_healthy, port), what="health", seconds=PATIENCE)
    for process, port in running.values():
        # uvicorn ends by the signal itself, once everything is closed.
        assert process.stop(seconds=PATIENCE) in {0, -signal.SIGTERM}, process.output
        assert not image_says_healthy(port)


def test_migrations_are_a_role_that_ends(managed_process: ProcessStarter, database_url: str) -> None:
    migrated = managed_process(
        "-m",
        "feishu_portal.command_line",
        "migrate",
        "--no-input",
        environment={"DATABASE_URL": database_url},
    )

    assert migrated.wait_for_exit(seconds=PATIENCE) == 0, migrated.output
