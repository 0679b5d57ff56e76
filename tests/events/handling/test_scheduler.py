"""Rounds of bots: whose turn it is, how much each gets, and what one that fails costs the others."""

import threading

import pytest
from django.db import OperationalError, connection, transaction

from events.handling import registry, scheduler
from events.handling.concurrency import ConcurrencyLimit, RunDurations
from events.handling.dispatch import plan_events
from events.handling.poller import PollResult
from events.handling.scheduler import Scheduled, waiting_bots
from events.models import BotQueue, HandlerRun
from tests.events.handler_runs import dispatched, execute, stored_event
from tests.factories import make_bot, message_event
from tests.services.processes import PATIENCE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


def write(bot, count: int, kind: str = "im.message.receive_v1") -> None:
    for number in range(count):
        payload = message_event(chat_id=f"oc_{number}")
        payload["header"]["event_type"] = kind
        stored_event(payload, bot=bot)


@pytest.fixture
def two_handlers(own_handlers):
    """One for messages, the other for events of the type test.other_v1."""

    @registry.on("im.message.receive_v1")
    def messages(event, bot): ...

    @registry.on("test.other_v1")
    def others(event, bot): ...


def schedule(
    bot_ids, *, limit: ConcurrencyLimit, durations: RunDurations | None = None, **options
) -> Scheduled:
    """A round of a worker that, unless told, knows no handler yet: each place is given one run."""
    return scheduler.schedule(bot_ids, limit=limit, durations=durations or RunDurations(), **options)


def runs_of(scheduled: Scheduled) -> list[HandlerRun]:
    return [run for batch in scheduled.batches for run in batch.runs]


def bots_of(scheduled: Scheduled) -> list:
    return [run.bot_id for run in runs_of(scheduled)]


def handlers_of(scheduled: Scheduled) -> set[str]:
    return {run.handler.rpartition(".")[2] for run in runs_of(scheduled)}


def test_bots_of_one_round_share_the_places():
    registry.on("*")(lambda event, bot: None)
    bots = [make_bot() for _ in range(4)]
    for bot in bots:
        write(bot, 10)
    scheduled = schedule([bot.pk for bot in bots], most=16, limit=ConcurrencyLimit(64))
    assert bots_of(scheduled).count(bots[0].pk) == 4
    assert len(runs_of(scheduled)) == 16
    assert scheduled.dispatched == 40
    assert scheduled.result == PollResult.FULL


@pytest.mark.parametrize(("waiting", "places"), [(3, [2, 1]), (12, [6, 6]), (22, [10, 10])])
def test_runs_wait_behind_each_other_for_longer_where_no_place_is_left(waiting, places, own_handlers):
    registry.on("*", name="slow")(lambda event, bot: None)
    bot, durations = make_bot(), RunDurations()
    durations.note((bot.pk, "slow"), 0.02)
    write(bot, waiting)
    scheduled = schedule([bot.pk], most=4, limit=ConcurrencyLimit(4), durations=durations)
    assert [len(batch.runs) for batch in scheduled.batches] == places
    assert (scheduled.result == PollResult.FULL) == (waiting > sum(places))


def test_round_that_takes_all_there_is_says_so():
    registry.on("*")(lambda event, bot: None)
    bot = make_bot()
    write(bot, 3)
    scheduled = schedule([bot.pk], most=16, limit=ConcurrencyLimit(64))
    assert len(runs_of(scheduled)) == 3
    assert (scheduled.is_more, scheduled.result) == (False, PollResult.FOUND)
    assert schedule([bot.pk], most=16, limit=ConcurrencyLimit(64)).result == PollResult.NOTHING


def test_bot_that_was_scheduled_goes_to_the_end_of_the_line():
    registry.on("*")(lambda event, bot: None)
    bots = [make_bot() for _ in range(3)]
    for bot in bots:
        write(bot, 10)
    schedule([bots[0].pk], most=1, limit=ConcurrencyLimit(64))
    assert waiting_bots()[-1] == bots[0].pk


def test_round_without_a_place_for_every_bot_leaves_the_others_their_turn():
    registry.on("*")(lambda event, bot: None)
    bots = [make_bot() for _ in range(3)]
    for bot in bots:
        write(bot, 2)
    scheduled = schedule([bot.pk for bot in bots], most=1, limit=ConcurrencyLimit(64))
    assert len(runs_of(scheduled)) == 1
    assert scheduled.result == PollResult.FULL
    assert set(waiting_bots()[:2]) == {bots[1].pk, bots[2].pk}


def test_bot_that_cannot_be_scheduled_keeps_no_other_waiting(monkeypatch, caplog):
    registry.on("*")(lambda event, bot: None)
    faulty, other = make_bot(), make_bot()
    write(faulty, 2)
    write(other, 2)

    def plan(bots, *arguments, **values):
        if faulty in bots:
            raise TypeError("nobody thought of this")
        return plan_events(bots, *arguments, **values)

    monkeypatch.setattr("events.handling.scheduler.plan_events", plan)
    limit = ConcurrencyLimit(64)
    assert not runs_of(schedule([faulty.pk, other.pk], most=16, limit=limit))
    assert waiting_bots() == [other.pk, faulty.pk]
    scheduled = schedule(waiting_bots(), most=16, limit=limit)
    assert set(bots_of(scheduled)) == {other.pk}
    assert {bot_id for bot_id, _handler in limit.running()} == {other.pk}
    assert [record.message for record in caplog.records] == ["scheduling_failed"]


def test_nobody_is_blamed_for_a_database_that_is_away(monkeypatch):
    bot = make_bot()
    write(bot, 1)

    def dispatch(*_arguments, **_values):
        raise OperationalError("gone")

    monkeypatch.setattr("events.handling.scheduler.dispatch_events", dispatch)
    with pytest.raises(OperationalError):
        schedule([bot.pk], most=16, limit=ConcurrencyLimit(64))


@pytest.mark.parametrize("step", ["choose_due", "dispatch_events"])
def test_round_that_fails_releases_its_places(monkeypatch, step):
    registry.on("*")(lambda event, bot: None)
    bot = make_bot()
    write(bot, 4)
    dispatched(bot.events.first())
    write(bot, 4)
    limit = ConcurrencyLimit(64)
    real = getattr(__import__("events.handling.scheduler", fromlist=[step]), step)

    def fail(*arguments, **values):
        real(*arguments, **values)
        assert limit.free < limit.size
        raise OperationalError("gone")

    monkeypatch.setattr(f"events.handling.scheduler.{step}", fail)
    with pytest.raises(OperationalError):
        schedule([bot.pk], most=16, limit=limit)
    assert limit.free == limit.size


@pytest.mark.usefixtures("two_handlers")
def test_round_that_passes_full_handlers_finds_what_is_behind_them(monkeypatch):
    monkeypatch.setattr(scheduler, "MAX_RUNS", 8)
    bot = make_bot()
    write(bot, 30)
    write(bot, 3, "test.other_v1")
    dispatched(bot.events.first())
    limit = ConcurrencyLimit(8)
    first = schedule([bot.pk], most=8, limit=limit, pass_full=False)
    assert (handlers_of(first), first.result) == ({"messages"}, PollResult.FULL)
    second = schedule([bot.pk], most=limit.free, limit=limit, pass_full=False)
    assert not runs_of(second)
    third = schedule([bot.pk], most=limit.free, limit=limit, pass_full=True)
    assert (handlers_of(third), third.result) == ({"others"}, PollResult.PASSED)


@pytest.mark.usefixtures("two_handlers")
def test_bot_with_new_events_is_looked_through_always():
    bot = make_bot()
    write(bot, 30)
    limit = ConcurrencyLimit(8)
    schedule([bot.pk], most=8, limit=limit)
    write(bot, 1, "test.other_v1")
    assert handlers_of(schedule([bot.pk], most=limit.free, limit=limit, pass_full=False)) == {"others"}


def test_round_of_many_bots_takes_few_statements(django_assert_max_num_queries):
    registry.on("*")(lambda event, bot: None)
    bots = [make_bot() for _ in range(10)]
    for bot in bots:
        write(bot, 3)
        dispatched(bot.events.first())
    with django_assert_max_num_queries(8 + 3 * len(bots)):
        scheduled = schedule([bot.pk for bot in bots], most=30, limit=ConcurrencyLimit(64))
    assert len(runs_of(scheduled)) == 30


def test_finishing_takes_few_statements(django_assert_max_num_queries):
    registry.on("*", ordered_by=None)(lambda event, bot: None)
    bot = make_bot()
    write(bot, 1)
    [claimed] = runs_of(schedule([bot.pk], most=1, limit=ConcurrencyLimit(64)))
    # Two for the savepoint, one for the limits of PostgreSQL, three for run, attempt and event; on SQLite two that read.
    with django_assert_max_num_queries(6 if connection.vendor == "postgresql" else 8):
        execute(claimed)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one writer in at a time")
def test_bots_that_another_process_is_scheduling_are_left_to_it():
    registry.on("*")(lambda event, bot: None)
    bots = [make_bot() for _ in range(2)]
    for bot in bots:
        write(bot, 1)
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            BotQueue.objects.select_for_update().get(pk=bots[0].pk)
            held.set()
            over.wait(PATIENCE)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert held.wait(PATIENCE)
        alone = schedule([bots[0].pk], most=8, limit=ConcurrencyLimit(64))
        both = schedule([bot.pk for bot in bots], most=8, limit=ConcurrencyLimit(64))
    finally:
        over.set()
        other.join()
    assert (bots_of(alone), alone.result) == ([], PollResult.HELD)
    assert (bots_of(both), both.result) == ([bots[1].pk], PollResult.HELD)
