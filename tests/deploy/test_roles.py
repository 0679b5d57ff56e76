"""Every process as image, units and chart start it: by its role, watched through its port of health, ended by SIGTERM."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from feishu_portal.command_line import ROLES
from tests.deploy.programs import PATIENCE
from tests.services.ports import free_port
from tests.services.processes import PROJECT, ManagedProcess, ProcessStarter

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


def test_every_role_becomes_healthy_and_ends_in_order(
    managed_process: ProcessStarter, database_url: str, redis_url: str
) -> None:
    shared = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "LOG_FORMAT": "json"}
    running: dict[str, tuple[ManagedProcess, int]] = {}
    for role in PROCESSES:
        port = free_port()
        variables = shared | {"FEISHU_METRICS_PORT": str(port), "UVICORN_PORT": str(free_port())}
        process = managed_process("-m", "feishu_portal.command_line", role, environment=variables)
        running[role] = process, port
    for process, port in running.values():
        process.wait_until(lambda port=port: image_says_healthy(port), what="health", seconds=PATIENCE)
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
