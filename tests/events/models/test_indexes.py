"""Every index costs each write: here stands the statement that needs it."""

import uuid

import pytest
from django.db import connection
from django.utils import timezone

from events.enums import ENDED_RUNS, DeliveryStatus, EventStatus, ReplayState, RunStatus, SubscriptionKind
from events.models import (
    CountedHour,
    Delivery,
    DeliveryAttempt,
    Event,
    EventCount,
    HandlerAttempt,
    HandlerRun,
    HandlerSwitch,
    ReplayJob,
    ShedCount,
    Subscription,
)
from tests.indexes import Statement, astray, declared

ID = uuid.uuid4()

STATEMENTS: dict[str, Statement] = {
    # The event log, newest first, by what its filters ask for.
    "event_type_newest": lambda: Event.objects.filter(event_type="t").order_by("-pk")[:50],
    "event_bot_newest": lambda: Event.objects.filter(bot=ID).order_by("-pk")[:50],
    "event_bot_type_newest": lambda: Event.objects.filter(bot=ID, event_type="t").order_by("-pk")[:50],
    "event_status_newest": lambda: Event.objects.filter(status=EventStatus.DEAD).order_by("-pk")[:50],
    "event_answered_late": lambda: Event.objects.filter(bot=ID, answered_late=True).order_by("-pk")[:1],
    # The search: a moment as a place in the log, and the platform's IDs.
    "event_received": lambda: Event.objects.filter(received_at__gte=timezone.now()).order_by("received_at")[
        :1
    ],
    "event_by_event_id": lambda: Event.objects.filter(event_id="e").order_by(),
    "event_by_trace": lambda: Event.objects.filter(trace_id="t").exclude(trace_id="").order_by(),
    # The inbox: whether an event was stored before.
    "event_once_per_bot": lambda: Event.objects.filter(bot=ID, dedupe_key="k").order_by(),
    # The scheduler: bots with events to be dispatched, and these events in the order of their arrival.
    "event_undispatched": lambda: Event.objects.filter(bot=ID, status=EventStatus.RECEIVED).order_by("pk")[
        :1
    ],
    # Completion: whether all runs of the event have ended.
    "run_once_per_round": lambda: (
        HandlerRun.objects.filter(event=1, is_current=True).exclude(status__in=ENDED_RUNS).order_by()
    ),
    # Dispatch: whether a run of the same key is under way.
    "run_one_at_a_time": lambda: (
        HandlerRun.objects.filter(bot=ID, handler="h", order_key="k", status=RunStatus.RETRYING)
        .exclude(order_key="")
        .order_by()
    ),
    # The scheduler: what is due of a bot, the oldest first.
    "run_due": lambda: HandlerRun.objects.due().filter(bot=ID).order_by("run_at")[:16],
    # Claims: runs whose worker is gone.
    "run_running": lambda: HandlerRun.objects.abandoned().order_by("lease_until")[:1],
    # The sweep: runs that wait for a worker that knows their handler.
    "run_unknown": lambda: (
        HandlerRun.objects.waiting().filter(unknown_since__lt=timezone.now()).order_by("unknown_since")[:500]
    ),
    # Ordering: the next of a key.
    "run_queued": lambda: HandlerRun.objects.filter(
        bot=ID, handler="h", order_key="k", status=RunStatus.QUEUED
    ).order_by("pk")[:1],
    # The log: events with a dead letter of a handler, or of a handler and kind, newest first.
    "run_dead_alike": lambda: HandlerRun.objects.filter(
        handler="h", fingerprint="f", status=RunStatus.DEAD, is_current=True
    ).order_by("-event_id")[:50],
    "run_dead_of_handler": lambda: HandlerRun.objects.filter(
        handler="h", status=RunStatus.DEAD, is_current=True
    ).order_by("-event_id")[:50],
    # Dead letters: the newest of all, without their rows.
    "run_dead_newest": lambda: (
        HandlerRun.objects.filter(status=RunStatus.DEAD, is_current=True)
        .order_by("-pk")
        .values("handler", "fingerprint")[:5000]
    ),
    # The REST API: what a replay made; and letting go of a replay.
    "run_replay": lambda: HandlerRun.objects.filter(replay=1).order_by(),
    "handler_attempt_once": lambda: HandlerAttempt.objects.filter(run=1).order_by("number"),
    # The life of an event, its deletion, and whether it goes to subscriptions at all.
    "delivery_once_per_round": lambda: Delivery.objects.filter(event=1).order_by(),
    # The pusher: what is due of a subscription, the oldest first.
    "delivery_due": lambda: Delivery.objects.due().filter(subscription=ID).order_by("run_at")[:16],
    # Pulling, and the lag: what waits, in the order of its numbers.
    "delivery_waiting": lambda: (
        Delivery.objects.waiting().filter(subscription=ID, pk__gt=7).order_by("pk")[:50]
    ),
    # A subscription's page.
    "delivery_newest": lambda: Delivery.objects.filter(subscription=ID).order_by("-pk")[:20],
    "delivery_running": lambda: Delivery.objects.abandoned().order_by("lease_until")[:1],
    "delivery_dead_alike": lambda: Delivery.objects.filter(
        subscription=ID, fingerprint="f", status=DeliveryStatus.DEAD, is_current=True
    ).order_by("-event_id")[:50],
    "delivery_dead_of_receiver": lambda: Delivery.objects.filter(
        subscription=ID, status=DeliveryStatus.DEAD, is_current=True
    ).order_by("-event_id")[:50],
    "delivery_dead_newest": lambda: (
        Delivery.objects.filter(status=DeliveryStatus.DEAD, is_current=True)
        .order_by("-pk")
        .values("subscription", "fingerprint")[:5000]
    ),
    "delivery_replay": lambda: Delivery.objects.filter(replay=1).order_by(),
    "delivery_attempt_once": lambda: DeliveryAttempt.objects.filter(delivery=1).order_by("number"),
    # The pusher: whose turn it is.
    "subscription_sending": lambda: Subscription.objects.filter(
        kind=SubscriptionKind.PUSH, removed_at=None
    ).order_by("served_at")[:64],
    "subscription.owner": lambda: Subscription.objects.filter(owner=1).order_by(),
    # The sweep: replays that are open; and the list of an operator's own.
    "replay_state_newest": lambda: ReplayJob.objects.filter(state=ReplayState.RUNNING).order_by("-pk")[:20],
    "replay_by_operator": lambda: ReplayJob.objects.filter(operator=1).order_by("-pk")[:50],
    # Deleting an API client.
    "replayjob.client": lambda: ReplayJob.objects.filter(client=1).order_by(),
    "switch_once": lambda: HandlerSwitch.objects.filter(bot=ID).order_by(),
    "shed_once_an_hour": lambda: ShedCount.objects.filter(hour=timezone.now(), work="live").order_by(),
    # Counting: hours that are due. Charts: a bot's, and all bots'.
    "counted_hour_due": lambda: CountedHour.objects.filter(due_at__lte=timezone.now()).order_by(),
    "event_count_once": lambda: EventCount.objects.filter(
        bot=ID, minutes=60, start=timezone.now()
    ).order_by(),
    "event_count_span": lambda: EventCount.objects.filter(minutes=60, start__gte=timezone.now()).order_by(
        "start"
    ),
}


def test_every_index_has_a_statement_that_needs_it():
    assert declared("events").keys() == STATEMENTS.keys()
    assert astray("events", STATEMENTS) == []


@pytest.mark.django_db
@pytest.mark.only_on("postgres")
@pytest.mark.parametrize("name", STATEMENTS)
def test_the_statement_reads_its_index(name: str):
    statement = STATEMENTS[name]()
    # In a table without rows any index that begins alike promises as much.
    siblings = [index.name for index in statement.model._meta.indexes if index.name != name]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        # Whatever other tests left behind, PostgreSQL then knows nothing of the table, and takes it for one of many rows.
        cursor.execute(f"TRUNCATE {statement.model._meta.db_table} CASCADE")
        if siblings:
            cursor.execute(f"DROP INDEX {', '.join(siblings)}")
        plan = statement.explain()
    index = name.replace(".", "_")
    assert f"using {index}" in plan or f"using events_{index}_id" in plan, plan
