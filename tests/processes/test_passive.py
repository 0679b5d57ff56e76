"""A copy of a database beside its original, with every process of production on it. The sandbox's books are the judge."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.services.databases import DatabaseCopies
from tests.services.platform import APP_ID
from tests.services.ports import free_port
from tests.services.refreshing import Refreshing
from tests.services.rows import Rows

pytestmark = pytest.mark.processes

REFRESHED = "SELECT COUNT(*) FROM auth_sessions_usertoken WHERE generation > 1"


@pytest.fixture(autouse=True)
def restored(database_copies: DatabaseCopies) -> Iterator[list[str]]:
    """Databases to drop when the processes have ended: being used everywhere, it is the first to begin."""
    urls: list[str] = []
    yield urls
    for url in urls:
        database_copies.drop(url)


@pytest.fixture
def original(bot, managed_process, environment, sandbox, tmp_path) -> Refreshing:
    return Refreshing(managed_process, environment, sandbox, tmp_path)


@pytest.fixture
def copy_url(original, database_url, database_copies: DatabaseCopies, restored) -> str:
    """The original's database, with five grants that are due, restored elsewhere."""
    original.put_grants(5)
    restored.append(database_copies.restore(database_url))
    return restored[0]


@pytest.fixture
def copy_rows(copy_url) -> Iterator[Rows]:
    opened = Rows(copy_url)
    yield opened
    opened.close()


@pytest.fixture
def copy(copy_url, managed_process, environment, sandbox, tmp_path, redis_url) -> Refreshing:
    """Processes on the copy, with a Redis of their own as a staging environment has one."""
    elsewhere = {"DATABASE_URL": copy_url, "REDIS_URL": urlsplit(redis_url)._replace(path="/9").geturl()}
    return Refreshing(managed_process, environment | elsewhere, sandbox, tmp_path)


def mode(url: str) -> str | None:
    """None while a busy machine lets the database's answer be late."""
    answer = httpx2.get(f"{url}/healthz/ready", timeout=120).json()
    return answer.get("mode")


def web(portal: Refreshing) -> tuple[object, str]:
    port = free_port()
    process = portal.start(
        "-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port), environment=portal.environment
    )
    process.wait_for_port(port)
    return process, f"http://127.0.0.1:{port}"


@pytest.mark.only_on("postgres")
def test_copy_takes_neither_connections_nor_tokens_until_it_is_adopted(copy, copy_rows, sandbox):
    runfeishu = copy.start("manage.py", "runfeishu", "--node", "copy", environment=copy.environment)
    worker = copy.start(
        "-m", "celery", "-A", "feishu_portal", "worker", "-Q", "default", "--concurrency", "1",
        environment=copy.environment,
    )  # fmt: skip
    refresher = copy.refresher()
    copy.scheduler()
    process, url = web(copy)
    for one in (runfeishu, worker, refresher):
        one.wait_for("portal_passive")
    runfeishu.wait_for("adoptrestore")
    assert "database is a copy" in runfeishu.output

    # The processes look every few seconds: passes of the refresher and rounds of the fleet are behind us by then.
    rows = copy_rows
    seen = "SELECT COUNT(*) FROM bots_fleetprocess WHERE name = 'copy'"
    runfeishu.wait_until(lambda: rows.one(seen) == (1,), what="a round of the fleet")
    process.wait_until(lambda: mode(url) == "passive", what="a passive portal")
    for path in (f"/api/feishu/webhook/{APP_ID}", f"/proxy/{APP_ID}/app/open-apis/im/v1/chats"):
        refused = httpx2.post(f"{url}{path}", json={}, timeout=120)
        assert (refused.status_code, refused.json()["code"]) == (503, "passive")
    process.wait_for("portal_passive")
    assert sandbox.connections() == 0
    assert copy.used() == 0
    assert rows.one(REFRESHED) == (0,)

    adopting = copy.start("manage.py", "adoptrestore", "--yes", environment=copy.environment)
    assert adopting.wait_for_exit() == 0, adopting.output
    assert "5 grants to be probed" in adopting.output
    runfeishu.wait_until(lambda: sandbox.connections() == 1, what="a connection")
    refresher.wait_until(lambda: rows.one(REFRESHED) == (5,), what="grants refreshed")
    verdict = copy.verdict()
    assert (verdict.alive, verdict.replays, verdict.falsely_dead) == (5, 0, 0)


@pytest.mark.only_on("postgres")
def test_original_goes_on_beside_its_copy(original, copy, rows):
    original.scheduler()
    refresher = original.refresher()
    copy.scheduler()
    passive = copy.refresher()
    passive.wait_for("portal_passive")
    refresher.wait_until(lambda: rows.one(REFRESHED) == (5,), what="grants refreshed")
    verdict = original.verdict()
    assert (verdict.alive, verdict.replays) == (5, 0)
    assert "portal_passive" not in refresher.output


@pytest.mark.only_on("postgres")
def test_database_that_is_put_back_under_running_processes_stops_them(original, database_url, sandbox, rows):
    """An operator restores a backup over the database, and has forgotten to stop the portal."""
    runfeishu = original.start("manage.py", "runfeishu", "--node", "a", environment=original.environment)
    runfeishu.wait_until(lambda: sandbox.connections() == 1, what="a connection")
    rows.execute("DELETE FROM access_databaseanchor")
    rows.execute("INSERT INTO access_databaseanchor VALUES (1)")
    runfeishu.wait_for("portal_passive")
    runfeishu.wait_until(lambda: sandbox.connections() == 0, what="end of the connection")
    held = "SELECT COUNT(*) FROM bots_connectionslot WHERE holder IS NOT NULL"
    runfeishu.wait_until(lambda: rows.one(held) == (0,), what="release")
    original.put_grants(3)
    original.scheduler()
    refresher = original.refresher()
    refresher.wait_for("portal_passive")
    assert original.used() == 0
