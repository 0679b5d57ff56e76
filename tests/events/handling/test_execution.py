import threading
import traceback
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import respx
from django.db import connection
from django.utils import timezone
from structlog.contextvars import get_contextvars

from bots.models import Bot
from events.enums import EventStatus, RunFailure, RunStatus
from events.handling import registry
from events.handling.claims import claim_abandoned
from events.handling.concurrency import ConcurrencyLimit
from events.handling.dispatch import insert_runs, run_of
from events.models import HandlerRun
from tests.events.handler_runs import (
    claimed,
    dispatched,
    done,
    execute,
    handle,
    run_due,
    scheduled,
    stored_event,
    until,
)
from tests.factories import PLATFORM, make_bot, message_event
from tests.services.processes import PATIENCE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


def due_again() -> None:
    HandlerRun.objects.filter(status=RunStatus.RETRYING).update(run_at=timezone.now())


def abandon(**values) -> None:
    past = timezone.now() - timedelta(seconds=1)
    HandlerRun.objects.update(status=RunStatus.RUNNING, lease_until=past, claim_id=uuid.uuid4(), **values)


def run_abandoned() -> None:
    batch = claim_abandoned(ConcurrencyLimit(8))
    assert batch is not None
    execute(batch.runs[0])


def test_handler_sees_event_and_bot_and_the_event_is_done(own_handlers):
    @registry.on("im.message.receive_v1")
    def greet(event, bot):
        own_handlers.append(f"{bot.name} {event.data['message']['message_id']}")

    event = handle(stored_event(message_event(message_id="om_7")))
    assert own_handlers == [f"{event.bot.name} om_7"]
    assert event.status == EventStatus.DONE


def test_async_handler_is_awaited(own_handlers):
    @registry.on("*", atomic=False)
    async def later(event, bot):
        own_handlers.append("later")

    handle(stored_event())
    assert own_handlers == ["later"]


def test_async_handler_past_its_time_is_cancelled_and_noted(own_handlers):
    @registry.on("*", timeout=0.05, retries=0)
    async def hang(event, bot):
        try:
            await __import__("asyncio").sleep(60)
        finally:
            own_handlers.append("cancelled")

    event = handle(stored_event())
    run = event.handler_runs.get()
    assert own_handlers == ["cancelled"]
    assert (run.status, run.failure) == (RunStatus.DEAD, RunFailure.TIMED_OUT)
    assert "0.05 s" in run.error


def test_timeout_of_the_handlers_own_is_an_error_like_any_other():
    @registry.on("*", timeout=60)
    async def fail(event, bot):
        raise TimeoutError("of its own")

    run = handle(stored_event()).handler_runs.get()
    assert run.failure == RunFailure.RAISED
    assert "of its own" in run.error


def test_async_handlers_leave_no_event_loop_or_thread_behind():
    @registry.on("*")
    async def work(event, bot):
        await Bot.objects.acount()

    handle(stored_event())
    before = threading.active_count()
    for _ in range(20):
        handle(stored_event())
    assert threading.active_count() <= before + 1


def test_effects_of_a_failing_async_handler_are_undone():
    @registry.on("*")
    async def fail(event, bot):
        bot.name = "changed"
        await bot.asave()
        raise ValueError

    event = handle(stored_event())
    event.bot.refresh_from_db()
    assert event.bot.name != "changed"


def test_run_that_succeeded_runs_no_second_time(own_handlers):
    registry.on("*")(lambda event, bot: own_handlers.append("once"))
    event = handle(stored_event())
    run_due(event.bot)
    assert own_handlers == ["once"]


def test_failing_handler_is_retried_with_its_reason_and_its_effects_undone():
    @registry.on("*")
    def fail(event, bot):
        bot.name = "changed"
        bot.save()
        raise ValueError("the reason")

    event = handle(stored_event())
    run = event.handler_runs.get()
    event.bot.refresh_from_db()
    assert (run.status, run.attempts, run.failure) == (
        RunStatus.RETRYING,
        1,
        RunFailure.RAISED,
    )
    assert "ValueError: the reason" in run.error
    assert run.run_at > timezone.now()
    assert event.bot.name != "changed"


def test_handler_that_leaves_the_process_is_a_failure_like_any_other():
    @registry.on("*")
    def leave(event, bot):
        raise SystemExit(3)

    assert "SystemExit: 3" in handle(stored_event()).handler_runs.get().error


def test_handler_out_of_tries_ends_dead_and_so_does_the_event(own_handlers):
    @registry.on("*", retries=2)
    def fail(event, bot):
        own_handlers.append("tried")
        raise ValueError

    event = handle(stored_event())
    for _ in range(5):
        due_again()
        handle(event)
    assert len(own_handlers) == 3
    assert event.status == EventStatus.DEAD
    assert event.handler_runs.get().status == RunStatus.DEAD


def test_one_failing_handler_leaves_the_other_alone(own_handlers):
    @registry.on("*")
    def fail(event, bot):
        raise ValueError

    @registry.on("*")
    def work(event, bot):
        own_handlers.append("worked")

    handle(stored_event())
    assert own_handlers == ["worked"]


def test_worker_that_lost_its_claim_changes_nothing():
    @registry.on("*")
    def overtaken(event, bot):
        bot.name = "changed"
        bot.save()
        HandlerRun.objects.update(claim_id=uuid.uuid4())

    event = handle(stored_event())
    event.bot.refresh_from_db()
    assert event.bot.name != "changed"
    assert event.status == EventStatus.DISPATCHED


def test_run_whose_worker_died_is_run_again(own_handlers):
    registry.on("*")(lambda event, bot: own_handlers.append("again"))
    [run] = dispatched(stored_event())
    abandon(attempts=1)
    run_abandoned()
    run.refresh_from_db()
    assert (own_handlers, run.attempts, run.status) == (["again"], 2, RunStatus.SUCCEEDED)


def test_handler_that_always_takes_its_worker_down_ends_dead_with_that_reason(own_handlers):
    registry.on("*", retries=1)(lambda event, bot: own_handlers.append("once more"))
    event = stored_event()
    [run] = dispatched(event)
    abandon(attempts=2)
    run_abandoned()
    run.refresh_from_db()
    event.refresh_from_db()
    assert (run.status, event.status, own_handlers) == (RunStatus.DEAD, EventStatus.DEAD, [])
    assert run.failure == RunFailure.WORKER_LOST


def test_run_with_a_live_lease_is_nobody_elses():
    registry.on("*")(lambda event, bot: None)
    event = stored_event()
    dispatched(event)
    scheduled([event.bot], most=8, limit=ConcurrencyLimit(8))
    assert claim_abandoned(ConcurrencyLimit(8)) is None
    again = scheduled([event.bot], most=8, limit=ConcurrencyLimit(8))
    assert (again.dispatched, list(again.batches)) == (0, [])


@pytest.mark.django_db(transaction=True)
def test_way_from_thread_to_handler_is_short(make_worker, own_handlers):
    registry.on("*")(lambda event, bot: own_handlers.append(traceback.extract_stack()))
    event = stored_event()
    make_worker()
    until(lambda: done(event), "the handler ran")
    root = Path(registry.__file__).parents[2]
    [stack] = own_handlers
    ours = [
        frame.filename
        for frame in stack
        if Path(frame.filename).is_relative_to(root / "events")
        or Path(frame.filename).is_relative_to(root / "core")
    ]
    assert len(ours) <= 4, ours


@pytest.mark.parametrize("reason", ["a NUL \x00", "half a pair \ud83d"])
def test_failure_whose_text_no_database_takes_is_noted_all_the_same(reason):
    @registry.on("*")
    def fail(event, bot):
        raise ValueError(reason)

    run = handle(stored_event()).handler_runs.get()
    assert run.status == RunStatus.RETRYING
    assert reason[:-1] in run.error


def test_run_takes_few_queries(django_assert_max_num_queries):
    registry.on("*", atomic=False)(lambda event, bot: None)
    bot = stored_event().bot
    for number in range(20):
        stored_event(message_event(chat_id=f"oc_{number}"), bot=bot)
    dispatched(bot.events.first())
    runs = claimed([bot], most=20, limit=ConcurrencyLimit(64))
    assert len(runs) == 20
    with django_assert_max_num_queries(12 * len(runs)):
        for one in runs:
            execute(one)


@pytest.mark.only_on("postgres")
def test_only_run_of_an_event_ends_with_it_in_one_statement():
    registry.on("*")(lambda event, bot: Bot.objects.exists())
    event = stored_event()
    dispatched(event)
    [run] = claimed([event.bot])
    statements = []

    def note(execute, sql, *arguments):
        statements.append(sql)
        return execute(sql, *arguments)

    with connection.execute_wrapper(note):
        execute(run)
    assert done(event)
    assert len([sql for sql in statements if "events_event " in sql]) == 1


@pytest.mark.parametrize("is_last", [True, False], ids=["it ends last", "it ends first"])
def test_run_that_is_added_while_the_first_one_runs_decides_about_the_event_too(is_last):
    registry.on("*", name="first")(lambda event, bot: None)
    event = stored_event()
    [first] = claimed([event.bot])

    @registry.on("*", name="added", retries=0)
    def fail(event, bot):
        raise ValueError

    insert_runs([run_of(event, registry.handler_named("added"))])
    [added] = claimed([event.bot])
    one, other = (first, added) if is_last else (added, first)

    execute(one)
    event.refresh_from_db()
    assert event.status == EventStatus.DISPATCHED
    execute(other)
    event.refresh_from_db()
    assert event.status == EventStatus.DEAD


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one writer in at a time")
def test_event_whose_last_two_runs_end_at_once_ends_too():
    both_ran = threading.Barrier(2)
    for name in ("first", "second"):

        def work(event, bot):
            both_ran.wait(PATIENCE)

        work.__qualname__ = name
        registry.on("*")(work)

    def run_in_thread(run):
        execute(run)
        connection.close()

    event = stored_event()
    runs = claimed([event.bot], most=8, limit=ConcurrencyLimit(64))
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(run_in_thread, runs))
    event.refresh_from_db()
    assert event.status == EventStatus.DONE


def test_log_lines_of_a_failed_handler_name_bot_event_run_and_attempt(own_handlers, caplog):
    bound = {}

    @registry.on("*", atomic=False, name="own.failing")
    def fail(event, bot):
        bound.update(get_contextvars())
        raise ValueError("why it failed")

    event = handle(stored_event())
    [record] = [record for record in caplog.records if record.getMessage() == "handler_failed"]
    ids = {
        "app_id": event.bot.app_id,
        "event_id": event.event_id,
        "handler": "own.failing",
        "run": HandlerRun.objects.get().pk,
        "attempt": 1,
    }
    assert ids.items() <= vars(record).items()
    assert (record.error, record.problem) == ("ValueError", "why it failed")
    assert ids.items() <= bound.items()
    assert "run" not in get_contextvars()


# --- messages that are for the bot


def test_handler_of_messages_for_the_bot_is_called_with_those_alone(own_handlers):
    @registry.on("im.message.receive_v1", name="answer", addressed=True)
    def answer(event, bot):
        own_handlers.append(event.data["message"]["chat_type"])

    bot = make_bot(open_id="ou_own")
    handle(stored_event(message_event(), bot=bot))
    event = handle(stored_event(message_event(chat_type="group"), bot=bot))
    run = event.handler_runs.get()
    assert own_handlers == ["p2p"]
    assert (run.status, run.failure, run.attempt_log.count()) == (
        RunStatus.SKIPPED,
        RunFailure.NOT_ADDRESSED,
        0,
    )
    assert event.status == EventStatus.IGNORED


def test_run_is_attempted_again_while_it_cannot_be_told_whom_a_message_is_for(own_handlers):
    @registry.on("im.message.receive_v1", name="answer", addressed=True)
    def answer(event, bot):
        own_handlers.append("called")

    mention = {"key": "@_user_1", "id": {"open_id": "ou_own"}}
    with respx.mock(base_url=PLATFORM) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(502)
        event = handle(stored_event(message_event(chat_type="group", mentions=[mention])))
    assert event.handler_runs.get().status == RunStatus.RETRYING
    Bot.objects.update(open_id="ou_own")
    due_again()
    run_due(event.bot)
    assert own_handlers == ["called"]
