"""docs/operations/backup.md, done as it stands there. The sandbox's books are the judge."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import environ
import httpx2
import pytest

from tests.events.subscriptions.http.receiver import Receiver
from tests.events.subscriptions.http.receiver import running as receiving
from tests.processes.test_deliveries import SUBSCRIBE
from tests.services.databases import DatabaseCopies
from tests.services.documents import run_block
from tests.services.failure import ServiceError
from tests.services.ports import free_port
from tests.services.postgresql import find_programs
from tests.services.processes import ManagedProcess, clean_environment
from tests.services.refreshing import Refreshing
from tests.services.rows import Rows

# Two portals start one after the other, and a dozen commands.
pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]

DOCUMENT = "docs/operations/backup.md"
EVENTS = 20
GRANTS = 5
ROTATED = 2
REFRESHED = "SELECT COUNT(*) FROM auth_sessions_usertoken WHERE generation > 1"
STORED = "SELECT COUNT(*) FROM events_event"
WAITING = "SELECT COUNT(*) FROM events_delivery WHERE status IN ('pending', 'running', 'retrying')"
ENDED = "SELECT COUNT(*) FROM auth_sessions_usertoken WHERE status = 'needs_reauth'"
NOT_BEFORE = "UPDATE auth_sessions_usertoken SET next_refresh_at = '{}'"
SOME_ARE_DUE = f"UPDATE auth_sessions_usertoken SET next_refresh_at = '2020-01-01 00:00:00+00:00' WHERE user_id < '{ROTATED}'"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An internal system that takes no delivery, so that all of them wait."""
    with receiving() as opened:
        opened.answer = lambda: (503, {}, b"")
        yield opened


@pytest.fixture
def portal(bot, managed_process, environment, sandbox, tmp_path, receiver) -> Refreshing:
    opened = Refreshing(
        managed_process, environment | {"FEISHU_DELIVERY_NETWORKS": "127.0.0.0/8"}, sandbox, tmp_path
    )
    code = SUBSCRIBE.format(url=receiver.url, path=tmp_path / "secret", types="*", kind="push")
    subscribing = opened.start("manage.py", "shell", "-v", "0", "-c", code, environment=opened.environment)
    assert subscribing.wait_for_exit() == 0, subscribing.output
    return opened


@pytest.fixture
def do(portal, tmp_path, database_url) -> Callable[..., str]:
    """Runs a block of the document in the environment of the portal."""
    environment = clean_environment(tmp_path / "data") | portal.environment | for_libpq(database_url)

    def run(name: str, typed: str = "") -> str:
        return run_block(
            DOCUMENT, name, directory=tmp_path, environment=environment, typed=typed, programs=programs()
        )

    return run


def for_libpq(url: str) -> dict[str, str]:
    """The address of the database as PostgreSQL's own programs understand it, too: they write sockets in another way."""
    if url.startswith("sqlite"):
        return {}
    to = environ.Env.db_url_config(url)
    if not to["HOST"].startswith("/"):
        return {}
    return {"DATABASE_URL": f"postgres://{to['USER']}@/{to['NAME']}", "PGHOST": to["HOST"]}


def programs() -> Path | None:
    """PostgreSQL's own, of the version of the server."""
    try:
        return find_programs()
    except ServiceError:
        return None


def running(portal: Refreshing, **changed: str) -> tuple[ManagedProcess, str]:
    """Everything in one process, and where its console is."""
    port = free_port()
    process = portal.start(
        "manage.py", "runportal", "--port", str(port), environment=portal.environment | changed
    )
    process.wait_for_port(port)
    return process, f"http://127.0.0.1:{port}"


def holding_grants_and_events(portal: Refreshing, rows: Rows) -> ManagedProcess:
    portal.put_grants(GRANTS, access_seconds=2)
    rows.execute(NOT_BEFORE.format("2099-01-01 00:00:00+00:00"))
    process, _url = running(portal)
    process.wait_until(lambda: portal.sandbox.connections() == 1, what="a connection")
    ids = portal.sandbox.push(count=EVENTS)
    process.wait_until(lambda: portal.sandbox.acked() >= set(ids), what="acks")
    assert rows.one(STORED) == (EVENTS,)
    process.wait_until(lambda: rows.one(WAITING) == (EVENTS,), what="deliveries that wait")
    return process


def rotate_some(portal: Refreshing, process: ManagedProcess, rows: Rows) -> None:
    rows.execute(SOME_ARE_DUE)
    process.wait_until(lambda: rows.one(REFRESHED) == (ROTATED,), what="grants refreshed")
    assert process.stop() == 0
    assert portal.used() == ROTATED


def look_at_the_passive_one(portal: Refreshing, process: ManagedProcess, url: str) -> None:
    process.wait_until(
        lambda: httpx2.get(f"{url}/healthz/ready", timeout=120).json().get("mode") == "passive",
        what="a passive portal",
    )
    assert 'data-testid="passive"' in httpx2.get(f"{url}/admin/login/", timeout=60).text
    assert portal.sandbox.connections() == 0
    assert portal.used() == ROTATED


def see_it_work_again(portal: Refreshing, process: ManagedProcess, rows: Rows) -> None:
    process.wait_until(lambda: portal.sandbox.connections() == 1, what="a connection")
    process.wait_until(lambda: rows.one(ENDED) == (ROTATED,), what="people to be asked")
    process.wait_until(lambda: rows.one(REFRESHED) == (GRANTS - ROTATED,), what="the others refreshed")
    assert rows.one(STORED) == (EVENTS,)
    submissions = sorted(
        book["submissions"] for book in portal.sandbox.refresh_books() if book["submissions"]
    )
    assert submissions == [1] * (GRANTS - ROTATED) + [2] * ROTATED


@pytest.mark.only_on("postgres")
def test_dump_is_restored_and_adopted_as_documented(
    portal, do, receiver, rows, database_url, database_copies: DatabaseCopies, request
):
    process = holding_grants_and_events(portal, rows)
    do("dump")
    rotate_some(portal, process, rows)
    heard = len(receiver.requests)

    restored_url = (
        urlsplit(database_url)
        ._replace(path=f"{urlsplit(database_url).path.rpartition('/')[0]}/portal_restored")
        .geturl()
    )
    do("restore")
    request.addfinalizer(lambda: database_copies.drop(restored_url))
    assert f"{GRANTS} grants that a refresh token keeps alive" in do("look")
    process, url = running(portal, DATABASE_URL=restored_url)
    look_at_the_passive_one(portal, process, url)
    out = do("adopt", "adopt\n")
    assert f"{GRANTS} grants to be probed" in out
    assert f"{EVENTS} deliveries set aside" in out
    restored = Rows(restored_url)
    see_it_work_again(portal, process, restored)
    restored.close()
    assert len(receiver.requests) == heard
    assert process.stop() == 0


@pytest.mark.only_on("sqlite")
def test_backup_is_restored_and_adopted_as_documented(portal, do, receiver, rows, database_url):
    process = holding_grants_and_events(portal, rows)
    do("sqlite-backup")
    rotate_some(portal, process, rows)
    heard = len(receiver.requests)
    rows.close()

    do("sqlite-restore", "restore\n")
    process, url = running(portal)
    look_at_the_passive_one(portal, process, url)
    out = do("sqlite-adopt", "adopt\n")
    assert f"{GRANTS} grants to be probed" in out
    assert f"{EVENTS} deliveries set aside" in out
    restored = Rows(database_url)
    see_it_work_again(portal, process, restored)
    restored.close()
    assert len(receiver.requests) == heard
