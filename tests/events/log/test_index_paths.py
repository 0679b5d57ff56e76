"""A search scans the index that meets the fewest other events, and PostgreSQL chooses no other."""

from typing import Any

import pytest
from django.db import connection

from bots.models import Bot
from events.enums import EventStatus, RunStatus
from events.log import index_paths
from events.log.criteria import EventCriteria
from events.log.search import SearchPage, newest, oldest
from events.models import Event, HandlerRun
from tests.events.log.rows import make_event


def test_what_two_indexes_serve_is_looked_for_where_there_is_less_of_it(
    bot: Bot, other: Bot, monkeypatch
) -> None:
    monkeypatch.setattr(index_paths, "PROBE_STEPS", 2)
    for _ in range(2):
        make_event(bot)
    for _ in range(6):
        make_event(other, status=EventStatus.DEAD)
    of_a_quiet_bot = EventCriteria(bots=(bot.pk,), statuses=(EventStatus.DEAD,))
    rare = EventCriteria(bots=(other.pk,), statuses=(EventStatus.DONE,))
    for criteria in (of_a_quiet_bot, rare):
        assert newest(criteria, limit=5, scan_limit=3) == SearchPage([], None, is_cut=False)
        assert oldest(criteria, last=10**9, limit=5, scan_limit=3) == SearchPage([], None, is_cut=False)


def plans_of(criteria: EventCriteria) -> str:
    """How PostgreSQL goes about each statement of a search, under the settings it is made with."""
    plans: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 -- Django's
        if sql.startswith("SELECT"):
            with connection.connection.cursor() as cursor:
                plans.extend(line for (line,) in cursor.execute(f"EXPLAIN {sql}", params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        newest(criteria, limit=5)
    return "\n".join(plans)


@pytest.mark.only_on("postgres")
@pytest.mark.parametrize(
    ("values", "index"),
    [
        ({"event_type": "common"}, "event_type_newest"),
        ({"event_type": "common", "arrived_by": "webhook"}, "event_type_newest"),
        ({"event_type": "rare", "text": "x"}, "event_type_newest"),
        ({"statuses": ("done",), "text": "x"}, "event_status_newest"),
        ({"handler": "shop"}, "run_dead_of_handler"),
        ({"handler": "shop", "fingerprint": "a"}, "run_dead_alike"),
    ],
)
def test_postgresql_walks_an_index_however_common_a_thing_it_thinks_it_is_asked_for(
    bot: Bot, values: dict[str, Any], index: str
) -> None:
    """By itself it reads the table backwards for what was common; where nothing of it has come for long, that is all."""
    prototype = make_event(bot)
    made = [
        Event(**{field.attname: getattr(prototype, field.attname) for field in Event._meta.concrete_fields})
        for _ in range(1000)
    ]
    for number, event in enumerate(made):
        event.pk, event.dedupe_key = None, f"{number}"
        is_rare = number % 20 == 0
        event.event_type, event.status = (
            ("rare", EventStatus.DEAD) if is_rare else ("common", EventStatus.DONE)
        )
    Event.objects.bulk_create(made)
    ends = {EventStatus.DEAD: RunStatus.DEAD, EventStatus.DONE: RunStatus.SUCCEEDED}
    HandlerRun.objects.bulk_create(
        HandlerRun(
            event=event, bot=bot, handler="shop", status=ends[event.status], fingerprint="ab"[event.pk % 2]
        )
        for event in made
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_event, events_handlerrun")
    plans = plans_of(EventCriteria(**values))
    assert f"using {index}" in plans
    for other_way in (
        "Seq Scan",
        "Bitmap",
        "Sort",
        "Join",
        "Nested Loop",
        "Gather",
        "Scan Backward using events_event_pkey",
    ):
        assert other_way not in plans


@pytest.mark.only_on("postgres")
@pytest.mark.parametrize(
    ("values", "index"),
    [({}, "event_bot_newest"), ({"event_type": "shop.order_v1"}, "event_bot_type_newest")],
)
def test_rare_status_of_a_bot_is_looked_for_in_an_index_that_holds_it(
    bot: Bot, values: dict[str, Any], index: str
) -> None:
    """Without reading the other events' rows, which lie all over the table."""
    with connection.cursor() as cursor:
        # What other tests left behind makes a table of one row as large as one of thousands.
        cursor.execute("TRUNCATE events_event CASCADE")
        make_event(bot)
        cursor.execute("ANALYZE events_event")
    plans = plans_of(EventCriteria(bots=(bot.pk,), statuses=("dead",), **values))
    assert f"Index Only Scan Backward using {index}" in plans or f"Index Only Scan using {index}" in plans
