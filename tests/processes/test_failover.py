"""The primary burns in the middle of a burst and its standby takes over: docs/operations/postgresql.md. The sandbox's books judge."""

from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.services.databases import DatabaseCopies
from tests.services.handling import Handling
from tests.services.platform import APP_ID
from tests.services.ports import free_port
from tests.services.postgresql import ReplicatedPostgreSQL, find_programs
from tests.services.processes import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

BURST = 150


@pytest.fixture
def primary():
    server = ReplicatedPostgreSQL(find_programs())
    yield server
    server.stop()


@pytest.fixture
def standby(primary):
    """A synchronous one, so that what is acknowledged is on both."""
    server = ReplicatedPostgreSQL(find_programs(), of=primary)
    yield server
    server.stop()


@pytest.fixture
def addresses(primary, standby, environment, tmp_path):
    """Of both servers in one, as the operator's page says it; the portal starts on the primary."""
    services = SimpleNamespace(
        database="postgres", database_url=primary.url, directory=tmp_path, start_database=primary.start
    )
    name = urlsplit(DatabaseCopies(services).create()).path
    standby.start()
    primary.commit_on_both()
    wait_until(lambda: primary.is_followed, what="synchronous standby")
    hosts = f"{primary.address},{standby.address}"
    environment["DATABASE_URL"] = f"postgres://postgres@{hosts}{name}?target_session_attrs=read-write"


@pytest.fixture
def handling(addresses, environment, managed_process, sandbox, addbot, primary, tmp_path):
    addbot(APP_ID, "--slots", "2")
    return Handling(managed_process, environment, sandbox, primary, tmp_path)


@pytest.fixture
def web(addresses, environment, managed_process):
    """A process that asks with the key of a client: what ``GET /api/v1/bots`` answers."""
    port = free_port()
    process = managed_process(
        "-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port),
        environment=environment, tracebacks=True,
    )  # fmt: skip
    adding = managed_process(
        "manage.py", "addapiclient", "shop", "--scope", "bots:read", environment=environment
    )
    assert adding.wait_for_exit() == 0, adding.output
    key = next(word for word in adding.output.split() if word.startswith("fp_"))
    process.wait_for_port(port)

    def ask(path: str = "/api/v1/bots") -> httpx2.Response:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx2.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=120)

    process.ask = ask
    return process


@pytest.mark.timeout(400)
def test_portal_goes_on_where_the_standby_takes_over(handling, web, primary, standby):
    assert web.ask().status_code == 200
    handling.push(BURST, per_second=60)
    handling.wait_for_acks(BURST // 3)
    primary.vanish()

    refused = web.ask()
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "database_unavailable"

    standby.promote()
    assert handling.check() == 0  # nothing that is acknowledged went with the primary
    web.wait_until(lambda: web.ask().status_code == 200, what="an answer from the standby")
    handling.settle(BURST, seconds=90)
    verdict = handling.verdict()
    assert verdict.is_clean, verdict
    assert handling.cost().pushed_again  # the outage has hit something

    web.wait_until(lambda: web.ask("/healthz/ready").json().get("mode") == "active", what="an active portal")
    assert not any("portal_passive" in process.output for process in (web, *handling.processes))
