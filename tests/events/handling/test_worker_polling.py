"""When a worker looks for work, what that costs, and that nothing due is left waiting."""

import threading
import time

import pytest
from django.db import OperationalError
from django.db.backends.signals import connection_created

from events.enums import EventStatus
from events.handling import registry, scheduler
from events.handling.poller import AGAIN
from events.models import Event
from tests.events.handler_runs import done, stored_event, until, write
from tests.factories import make_bot, message_event
from tests.services.processes import PATIENCE

POLL = "SELECT queue.bot_id"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handlers")]


@pytest.fixture
def statements():
    """What the worker and the handlers of a test ask of the database; ``on`` while it is counted."""
    counted = Statements()
    connection_created.connect(counted.listen)
    yield counted
    connection_created.disconnect(counted.listen)


class Statements:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def listen(self, connection, **_kwargs) -> None:
        if threading.current_thread() is not threading.main_thread():
            connection.execute_wrappers.append(self._note)

    def _note(self, execute, sql, values, many, context):
        self.texts.append(sql)
        return execute(sql, values, many, context)

    def starting(self, *words: str) -> int:
        return sum(text.startswith(words) for text in self.texts)


def test_backlog_costs_few_statements_for_each_delivery(make_worker, statements):
    registry.on("im.message.receive_v1")(lambda event, bot: None)
    bot = make_bot()
    for _ in range(150):
        write(bot)
    make_worker()
    until(lambda: Event.objects.filter(status=EventStatus.DONE).count() == 150, "all is done")
    assert len(statements.texts) < 150 * 12


def test_lone_event_and_its_end_lead_to_two_polls(make_worker, statements, settings):
    settings.SWEEP_SECONDS = 60
    registry.on("*")(lambda event, bot: None)
    worker = make_worker()
    until(lambda: statements.texts, "it has polled")
    time.sleep(2 * AGAIN)
    statements.texts.clear()
    event = write()
    worker.wake()
    until(lambda: done(event), "the event is done")
    # At the notification, and once more in case one was shed.
    until(lambda: statements.starting(POLL) == 2, "it has polled twice")
    time.sleep(3 * AGAIN)
    assert statements.starting(POLL) == 2
    assert len(statements.texts) < 40


def test_worker_with_nothing_to_do_asks_for_nothing(make_worker, statements, settings):
    settings.SWEEP_SECONDS = 60
    make_worker()
    until(lambda: statements.texts, "it has polled")
    time.sleep(AGAIN)
    statements.texts.clear()
    time.sleep(4 * AGAIN)
    assert statements.texts == []


@pytest.fixture
def write_slow(gate):
    """Writes events whose handler waits for the gate, beside one for messages that does nothing."""

    @registry.on("test.slow_v1", atomic=False)
    def slow(event, bot):
        gate.wait(PATIENCE)

    @registry.on("im.message.receive_v1")
    def quick(event, bot): ...

    def store(bot) -> None:
        payload = message_event()
        payload["header"]["event_type"] = "test.slow_v1"
        stored_event(payload, bot=bot)

    return store


def test_event_begins_at_once_beside_one_that_takes_its_time(make_worker, write_slow, settings):
    settings.SWEEP_SECONDS = 60
    bot = make_bot()
    write_slow(bot)
    worker = make_worker()
    until(lambda: worker.busy == 1, "the slow one runs")
    quick = write(bot)
    worker.wake()
    until(lambda: done(quick), "the quick one is done")


@pytest.mark.parametrize("bots", [1, 20])
def test_what_waits_behind_a_handler_that_is_full_is_found(make_worker, write_slow, settings, bots):
    settings.SWEEP_SECONDS = 60
    busy = [make_bot() for _ in range(bots)]
    for number in range(60):
        write_slow(busy[number % bots])
    worker = make_worker()
    # Of 16 threads one handler has half for one bot, and three quarters for many.
    until(lambda: worker.busy == (8 if bots == 1 else 12), "the slow ones have their share of the threads")
    for _ in range(3):
        behind = write(busy[-1])
        worker.wake()
        until(lambda event=behind: done(event), "the other one is done")


def test_next_message_of_a_chat_follows_without_a_notification(make_worker, settings):
    settings.SWEEP_SECONDS = 60
    order = []
    registry.on("im.message.receive_v1", atomic=False)(lambda event, bot: order.append(event.pk))
    bot = make_bot()
    events = [write(bot, chat="oc_1") for _ in range(20)]
    make_worker()
    until(lambda: len(order) == 20, "all of the chat is handled")
    assert order == [event.pk for event in events]


def test_worker_without_places_for_what_waits_calls_for_help(make_worker, no_broker, gate):
    registry.on("*", atomic=False)(lambda event, bot: gate.wait(PATIENCE))
    bot = make_bot()
    for _ in range(20):
        write(bot)
    worker = make_worker()
    until(lambda: no_broker, "it asked the others to look")
    assert worker.busy == 8  # half of the threads


def test_round_that_fails_releases_the_places_it_took(make_worker, monkeypatch):
    handled, real, failures = [], scheduler.dispatch_events, iter(range(30))

    def dispatch(*arguments, **values):
        if next(failures, None) is not None:
            raise OperationalError
        return real(*arguments, **values)

    monkeypatch.setattr("events.handling.scheduler.dispatch_events", dispatch)
    registry.on("*", atomic=False)(lambda event, bot: handled.append(event.pk))
    bot = make_bot()
    for _ in range(4):
        write(bot)
    worker = make_worker(threads=4)
    until(lambda: worker.wake() or len(handled) == 4, "all of them are handled")
