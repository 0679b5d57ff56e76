"""No plan by luck: what runs in every round and for every end uses indexes, whenever statistics were taken.

With 200 bots, three of them with a backlog, the database is asked how it would run each statement: PostgreSQL once with
statistics taken while nothing waited, once with statistics that say that everything waits; SQLite, which takes none by
itself, without.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.database.sql import ask
from events.enums import Arrived, EventStatus, RunStatus
from events.handling import registry
from events.handling.completion import RunEnd, complete, note_ends
from events.handling.concurrency import ConcurrencyLimit, RunDurations
from events.handling.ordering import promote_next
from events.handling.scheduler import schedule, waiting_bots
from events.handling.worker import _seconds_to_next_due
from events.models import Event, HandlerRun
from events.tasks import sweep
from tests.events.handler_runs import stored_event
from tests.factories import make_bot, message_event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers", "idle_worker")]

BOTS = 200
FULL = 3
BACKLOG = 3_000
LARGE = {"events_event", "events_handlerrun", "events_handlerattempt"}
ALIASES = {"events_event": {"event"}, "events_handlerrun": {"run"}, "events_handlerattempt": set()}


@pytest.fixture(scope="module", autouse=True)
def swept(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Leaves no bloat: what was rolled back still takes its room, and plans of other tests would reckon with it."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"VACUUM (FULL) {', '.join(sorted(LARGE))}")


@contextmanager
def plans() -> Iterator[dict[str, set[str]]]:
    """For each statement that is executed while the block runs, the large tables that it reads from end to end."""
    seen: dict[str, set[str]] = {}
    some = _indexes_of_some_rows()

    def explain(execute, sql, parameters, many, context):
        if sql.split()[0] in {"SELECT", "UPDATE", "INSERT", "DELETE", "WITH"}:
            seen.setdefault(sql, set()).update(scans_of(sql, parameters, some))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(explain):
        yield seen


def scans_of(sql: str, parameters: Any, some: set[str]) -> set[str]:
    """Large tables that the database would read from end to end for this statement."""
    if connection.vendor == "sqlite":
        steps = [step for *_ids, step in ask(f"EXPLAIN QUERY PLAN {sql}", parameters or [])]
        return {table for step in steps for table in LARGE if _reads_all(step, table, some)}
    [[plan]] = ask(f"EXPLAIN (FORMAT JSON) {sql}", parameters or [])
    found, nodes = set(), [(plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]]
    while nodes:
        node = nodes.pop()
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE:
            found.add(node["Relation Name"])
        nodes += node.get("Plans", [])
    return found


def _indexes_of_some_rows() -> set[str]:
    if connection.vendor != "sqlite":
        return set()
    sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%% WHERE %%'"
    return {name for (name,) in ask(sql, ())}


def _reads_all(step: str, table: str, some: set[str]) -> bool:
    """Whether a step of SQLite's plan is "SCAN run", by the alias, and not along an index of some rows, which are few."""
    words = step.split()
    if words[0] != "SCAN" or words[1] not in {table, *ALIASES[table]}:
        return False
    return "INDEX" not in words or words[words.index("INDEX") + 1] not in some


def fill(bots: list, *, status: EventStatus, run_status: RunStatus | None) -> None:
    """BACKLOG events for each bot, with a handler run each: copies of one row, which PostgreSQL makes by itself."""
    now = timezone.now() - timedelta(minutes=1)
    for bot in bots:
        event = Event.objects.create(
            bot=bot,
            dedupe_key=f"{status}-{run_status}",
            event_type="test.plan_v1",
            arrived_by=Arrived.WEBSOCKET,
            status=status,
            payload=b'{"schema": "2.0", "header": {}, "event": {}}',
            created_at=now,
            received_at=now,
        )
        copy(event, "generate_series(2, %s) AS number", [BACKLOG], dedupe_key="dedupe_key || '-' || number")
        if run_status is not None:
            run = HandlerRun.objects.create(
                event=event, bot=bot, handler="plan", status=run_status, run_at=now
            )
            others = "(SELECT id AS other FROM events_event WHERE bot_id = %s AND status = %s AND id <> %s)"
            copy(run, f"{others} AS others", [bot.pk, status, event.pk], event_id="other")


def copy(row: Any, source: str, parameters: list, **changed: str) -> None:
    """Insert ``row`` once for each row of ``source``, with ``changed`` columns."""
    columns = [field.column for field in row._meta.concrete_fields if not field.primary_key]
    values = [changed.get(column, column) for column in columns]
    table = row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)})"
            f" SELECT {', '.join(values)} FROM {table}, {source} WHERE {table}.id = %s",
            [*parameters, row.pk],
        )


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE events_event, events_handlerrun, events_handlerattempt, events_botqueue, bots_bot"
        )


@pytest.fixture
def full_bots() -> list:
    registry.on("test.plan_v1", name="plan", ordered_by=None)(lambda event, bot: None)
    return [make_bot() for _ in range(BOTS)][:FULL]


@pytest.mark.only_on("postgres")
@pytest.mark.parametrize("taken", ["while nothing waited", "while everything waited"])
def test_rounds_and_ends_read_no_large_table_from_end_to_end(full_bots, taken):
    if taken == "while nothing waited":
        fill(full_bots, status=EventStatus.DONE, run_status=RunStatus.SUCCEEDED)
        analyze()
        fill(full_bots, status=EventStatus.DISPATCHED, run_status=RunStatus.PENDING)
        fill(full_bots, status=EventStatus.RECEIVED, run_status=None)
    else:
        fill(full_bots, status=EventStatus.DISPATCHED, run_status=RunStatus.PENDING)
        fill(full_bots, status=EventStatus.RECEIVED, run_status=None)
        analyze()
    assert_that_no_large_table_is_read_whole()


@pytest.mark.only_on("sqlite")
def test_on_sqlite_rounds_and_ends_read_no_large_table_from_end_to_end():
    """Ordered by a key as well, which a chat has."""
    registry.on("im.message.receive_v1", name="plan")(lambda event, bot: None)
    bots = [make_bot() for _ in range(5)]
    for bot in bots:
        for number in range(20):
            stored_event(message_event(chat_id=f"oc_{number % 7}"), bot=bot)
    assert_that_no_large_table_is_read_whole(least=5)


def assert_that_no_large_table_is_read_whole(*, least: int = FULL + 1) -> None:
    limit, durations = ConcurrencyLimit(64), RunDurations()
    with plans() as seen:
        bots = waiting_bots()
        scheduled = schedule(bots, most=48, limit=limit, durations=durations)
        runs = [run for batch in scheduled.batches for run in batch.runs]
        assert len(runs) >= least
        HandlerRun.objects.renew([(run.pk, run.claim_id) for run in runs])
        promote_next(runs)
        list(HandlerRun.objects.abandoned().order_by("lease_until").values_list("pk", flat=True)[:1])
        _seconds_to_next_due()
        sweep()
        # As in the transaction of an atomic handler, whose own queries are planned as PostgreSQL likes.
        complete([RunEnd(runs[0], RunStatus.SUCCEEDED)])
        # Last, because here its settings last until the end of the test's transaction.
        note_ends([RunEnd(run, RunStatus.SUCCEEDED) for run in runs[1:]])
    assert len(seen) > 10
    assert {sql[:300]: tables for sql, tables in seen.items() if tables} == {}
