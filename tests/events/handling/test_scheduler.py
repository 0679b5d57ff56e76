"""Turns of bots: whose it is, how much each gets, and what one that fails costs the others."""

import threading

import pytest
from django.db import OperationalError, connection, transaction

from events.handling import registry
from events.handling.concurrency import HandlerRoom
from events.handling.dispatch import dispatch_events
from events.handling.scheduler import serve, waiting_queues
from events.models import BotQueue
from tests.events.handler_runs import dispatched, run, stored_event
from tests.factories import make_bot, message_event

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


def test_bots_of_one_turn_share_the_room():
    registry.on("*")(lambda event, bot: None)
    bots = [make_bot() for _ in range(4)]
    for bot in bots:
        write(bot, 10)
    served = serve([bot.pk for bot in bots], limit=16, room=HandlerRoom(64))
    assert [delivery.bot_id for delivery in served.claimed].count(bots[0].pk) == 4
    assert len(served.claimed) == 16
    assert served.dispatched == 40
    assert served.is_more


def test_turn_that_takes_all_there_is_says_so():
    registry.on("*")(lambda event, bot: None)
    bot = make_bot()
    write(bot, 3)
    served = serve([bot.pk], limit=16, room=HandlerRoom(64))
    assert len(served.claimed) == 3
    assert (served.is_more, served.is_short, served.is_behind, served.is_held) == (False, False, False, False)


def test_who_is_served_goes_to_the_end_of_the_line():
    registry.on("*")(lambda event, bot: None)
    bots = [make_bot() for _ in range(3)]
    for bot in bots:
        write(bot, 10)
    serve([bots[0].pk], limit=1, room=HandlerRoom(64))
    assert waiting_queues()[-1] == bots[0].pk


def test_turn_without_place_for_every_bot_leaves_the_others_their_turn():
    registry.on("*")(lambda event, bot: None)
    bots = [make_bot() for _ in range(3)]
    for bot in bots:
        write(bot, 2)
    served = serve([bot.pk for bot in bots], limit=1, room=HandlerRoom(64))
    assert len(served.claimed) == 1
    assert served.is_short
    assert set(waiting_queues()[:2]) == {bots[1].pk, bots[2].pk}


def test_bot_whose_turn_fails_keeps_nobody_from_being_served(monkeypatch, caplog):
    registry.on("*")(lambda event, bot: None)
    faulty, other = make_bot(), make_bot()
    write(faulty, 2)
    write(other, 2)

    def dispatch(bot, *arguments, **values):
        if bot == faulty:
            raise TypeError("nobody thought of this")
        return dispatch_events(bot, *arguments, **values)

    monkeypatch.setattr("events.handling.scheduler.dispatch_events", dispatch)
    room = HandlerRoom(64)
    assert serve([faulty.pk, other.pk], limit=16, room=room).claimed == []
    assert waiting_queues() == [other.pk, faulty.pk]
    served = serve(waiting_queues(), limit=16, room=room)
    assert {delivery.bot_id for delivery in served.claimed} == {other.pk}
    assert {bot_id for bot_id, _handler in room.inside()} == {other.pk}
    assert [record.message for record in caplog.records] == ["turn_failed"]


def test_nobody_is_blamed_for_a_database_that_is_away(monkeypatch):
    bot = make_bot()
    write(bot, 1)

    def dispatch(*_arguments, **_values):
        raise OperationalError("gone")

    monkeypatch.setattr("events.handling.scheduler.dispatch_events", dispatch)
    with pytest.raises(OperationalError):
        serve([bot.pk], limit=16, room=HandlerRoom(64))


@pytest.mark.usefixtures("two_handlers")
def test_thorough_turn_finds_what_is_behind_a_handler_that_is_full():
    bot = make_bot()
    write(bot, 30)
    write(bot, 3, "test.other_v1")
    dispatched(bot.events.first())
    room = HandlerRoom(8)
    first = serve([bot.pk], limit=8, room=room, is_thorough=False)
    assert {delivery.handler.rpartition(".")[2] for delivery in first.claimed} == {"messages"}
    assert first.is_short
    second = serve([bot.pk], limit=room.free, room=room, is_thorough=False)
    assert not second.claimed
    third = serve([bot.pk], limit=room.free, room=room, is_thorough=True)
    assert {delivery.handler.rpartition(".")[2] for delivery in third.claimed} == {"others"}
    assert third.is_behind


@pytest.mark.usefixtures("two_handlers")
def test_bot_with_new_events_is_looked_through_always():
    bot = make_bot()
    write(bot, 30)
    room = HandlerRoom(8)
    serve([bot.pk], limit=8, room=room)
    write(bot, 1, "test.other_v1")
    served = serve([bot.pk], limit=room.free, room=room, is_thorough=False)
    assert [delivery.handler.rpartition(".")[2] for delivery in served.claimed] == ["others"]


def test_turn_of_many_bots_takes_few_statements(django_assert_max_num_queries):
    registry.on("*")(lambda event, bot: None)
    bots = [make_bot() for _ in range(10)]
    for bot in bots:
        write(bot, 3)
        dispatched(bot.events.first())
    with django_assert_max_num_queries(8 + 3 * len(bots)):
        served = serve([bot.pk for bot in bots], limit=30, room=HandlerRoom(64))
    assert len(served.claimed) == 30


def test_finishing_takes_few_statements(django_assert_max_num_queries):
    registry.on("*", ordered_by=None)(lambda event, bot: None)
    bot = make_bot()
    write(bot, 1)
    [delivery] = serve([bot.pk], limit=1, room=HandlerRoom(64)).claimed
    # Two for the savepoint, one for the limits of PostgreSQL, three for delivery, try and event.
    with django_assert_max_num_queries(6):
        run(delivery)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one writer in at a time")
def test_bots_that_somebody_else_is_serving_are_left_to_them():
    registry.on("*")(lambda event, bot: None)
    bots = [make_bot() for _ in range(2)]
    for bot in bots:
        write(bot, 1)
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            BotQueue.objects.select_for_update().get(pk=bots[0].pk)
            held.set()
            over.wait(20)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert held.wait(20)
        alone = serve([bots[0].pk], limit=8, room=HandlerRoom(64))
        both = serve([bot.pk for bot in bots], limit=8, room=HandlerRoom(64))
    finally:
        over.set()
        other.join()
    assert (alone.claimed, alone.is_held) == ([], True)
    assert [delivery.bot_id for delivery in both.claimed] == [bots[1].pk]
    assert both.is_held
