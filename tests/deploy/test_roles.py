"""Every process as image, units and chart start it: by its role, watched through its port of health, ended by SIGTERM."""

import signal

import httpx
import pytest

from feishu_portal.command_line import ROLES
from tests.deploy.programs import PATIENCE
from tests.services.ports import free_port
from tests.services.processes import ManagedProcess, ProcessStarter

pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres"), pytest.mark.timeout(900)]

PROCESSES = sorted(set(ROLES) - {"demo", "portal"})


def is_live(port: int) -> bool:
    try:
        return (
            httpx.get(f"http://127.0.0.1:{port}/healthz/live", trust_env=False, timeout=10).status_code == 200
        )
    except httpx.TransportError:
        return False


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
        process.wait_until(lambda port=port: is_live(port), what="health", seconds=PATIENCE)
    for process, _ in running.values():
        # uvicorn ends by the signal itself, once everything is closed.
        assert process.stop(seconds=PATIENCE) in {0, -signal.SIGTERM}, process.output


def test_migrations_are_a_role_that_ends(managed_process: ProcessStarter, database_url: str) -> None:
    migrated = managed_process(
        "-m",
        "feishu_portal.command_line",
        "migrate",
        "--no-input",
        environment={"DATABASE_URL": database_url},
    )

    assert migrated.wait_for_exit(seconds=PATIENCE) == 0, migrated.output
