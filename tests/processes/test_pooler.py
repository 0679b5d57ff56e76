"""The portal behind PgBouncer, in both modes and as operators misconfigure it."""

import psycopg
import pytest

from tests.services.pgbouncer import PgBouncer

pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

STORED = "SELECT COUNT(*) FROM events_event"
# What one listener and one worker with two threads open at most, as docs/operations/postgresql.md counts: a session keeps its
# connection, a transaction gives it back. With one less, whoever comes last waits for two minutes and fails.
POOL_SIZES = {"session": 4 + 1 + 8 + 3 + 2, "transaction": 6}
LIMITS = "SELECT current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')"


@pytest.fixture
def pooled(database_url, environment, restored_last):
    """Puts a pooler in front of the database of this test; starts nothing else."""

    def start(pool_mode: str, options: str = "") -> str:
        pooler = PgBouncer(database_url, pool_mode=pool_mode, size=POOL_SIZES[pool_mode], options=options)
        restored_last.append(pooler)
        pooler.start()
        environment["DATABASE_URL"] = pooler.url
        return pooler.url

    return start


@pytest.fixture(autouse=True)
def restored_last():
    """Poolers to stop when the processes have ended: being used everywhere, it is the first to begin."""
    poolers: list[PgBouncer] = []
    yield poolers
    for pooler in poolers:
        pooler.stop()


def check(managed_process, environment) -> tuple[int, str]:
    process = managed_process(
        "manage.py", "check", "--database", "default", environment=environment, tracebacks=True
    )
    return process.wait_for_exit(), process.output


@pytest.mark.parametrize("pool_mode", ["session", "transaction"])
def test_events_are_stored_acknowledged_and_handled_and_nothing_leaks_into_other_sessions(
    pooled, pool_mode, managed_process, environment, sandbox, bot, rows
):
    url = pooled(pool_mode, "stats_users = postgres")
    environment["FEISHU_POOLER"] = pool_mode
    exit_code, output = check(managed_process, environment)
    assert exit_code == 0
    # A pool for one listener and one worker is too small for all processes; to be let in by the transaction is not.
    assert ("feishu_portal.W012" in output) == (pool_mode == "session")
    runfeishu = managed_process("manage.py", "runfeishu", "--node", "a", environment=environment)
    worker = managed_process(
        "-m", "celery", "-A", "feishu_portal", "worker", "-Q", "default", "--pool", "threads",
        "--concurrency", "2", environment=environment,
    )  # fmt: skip
    runfeishu.wait_until(lambda: sandbox.connections() == 1, what="a connection")
    ids = sandbox.push(count=300)
    runfeishu.wait_until(lambda: sandbox.acked() >= set(ids), what="acks")
    open_events = "SELECT COUNT(*) FROM events_event WHERE status IN ('received', 'dispatched')"
    worker.wait_until(lambda: rows.one(open_events) == (0,), what="an end for every event")
    assert rows.one(STORED) == (300,)
    assert sandbox.outcomes() <= {"acked", "timeout"}
    for process in (runfeishu, worker):
        assert "prepared statement" not in process.output
        assert process.stop() == 0

    seen = set()
    connections = [psycopg.connect(url) for _ in range(5)]
    for connection in connections:
        seen.add(connection.execute(LIMITS).fetchone())
    for connection in connections:
        connection.close()
    assert seen == {("0", "0")}


def test_pooler_that_refuses_options_is_named_with_the_cure(pooled, managed_process, environment):
    pooled("session")
    exit_code, output = check(managed_process, environment)
    assert exit_code != 0
    assert "FEISHU_POOLER" in output
    assert "feishu_portal.E009" in output


def test_pooler_that_ignores_options_is_noticed(pooled, managed_process, environment, bot):
    pooled("transaction", "ignore_startup_parameters = options")
    exit_code, output = check(managed_process, environment)
    assert exit_code != 0
    assert "feishu_portal.E009" in output
    process = managed_process(
        "manage.py", "addapiclient", "shop", "--scope", "bots:read", environment=environment
    )
    assert process.wait_for_exit() == 0
    assert "pooler_unsuitable" in process.output


def test_server_that_does_not_flush_is_noticed(pooled, managed_process, environment, rows):
    environment["FEISHU_POOLER"] = "transaction"
    [[name]] = rows.all("SELECT current_database()")
    rows.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    pooled("transaction")
    exit_code, output = check(managed_process, environment)
    assert exit_code != 0
    assert "synchronous_commit" in output
