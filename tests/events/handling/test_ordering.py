import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from events.enums import EventStatus, RunStatus
from events.handling import registry
from events.handling.completion import RunEnd, note_ends
from events.handling.ordering import promote
from events.handling.sweep import promote_queued
from events.models import HandlerRun
from tests.events.handler_runs import claimed, dispatched, run_due, stored_event
from tests.factories import make_bot, message_event
from tests.services.processes import PATIENCE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handlers")]


def write(bot, text, chat="oc_1"):
    return stored_event(message_event(text=text, chat_id=chat), bot=bot)


def said(event) -> str:
    return event.data["message"]["content"].split('"')[3]


def test_messages_of_a_chat_run_one_after_the_other_in_order_of_arrival(own_handlers):
    registry.on("im.message.receive_v1")(lambda event, bot: own_handlers.append(said(event)))
    bot = make_bot()
    for text in "abcde":
        write(bot, text)
    sizes = []
    for _ in range(5):
        sizes.append(len(run_due(bot)))
    assert own_handlers == list("abcde")
    assert sizes == [1, 1, 1, 1, 1]


def test_chats_do_not_wait_for_each_other(own_handlers):
    registry.on("im.message.receive_v1")(lambda event, bot: own_handlers.append(said(event)))
    bot = make_bot()
    for text in ("a1", "a2", "a3"):
        write(bot, text, chat="oc_a")
    write(bot, "b1", chat="oc_b")
    run_due(bot)
    assert own_handlers == ["a1", "b1"]


def test_handlers_do_not_wait_for_each_other(own_handlers):
    @registry.on("im.message.receive_v1")
    def one(event, bot):
        own_handlers.append(f"one {said(event)}")

    @registry.on("im.message.receive_v1", ordered_by=None)
    def other(event, bot):
        own_handlers.append(f"other {said(event)}")

    bot = make_bot()
    write(bot, "a")
    write(bot, "b")
    run_due(bot)
    assert sorted(own_handlers) == ["one a", "other a", "other b"]


def test_handler_may_name_its_own_key(own_handlers):
    @registry.on(
        "im.message.receive_v1", ordered_by=lambda event: event.data["sender"]["sender_id"]["open_id"]
    )
    def work(event, bot):
        own_handlers.append(said(event))

    bot = make_bot()
    write(bot, "a", chat="oc_a")
    write(bot, "b", chat="oc_b")
    assert len(run_due(bot)) == 1


def test_key_that_cannot_be_told_orders_nothing(own_handlers):
    @registry.on("im.message.receive_v1", ordered_by=lambda event: event.data["no such thing"])
    def work(event, bot): ...

    bot = make_bot()
    write(bot, "a")
    write(bot, "b")
    assert len(run_due(bot)) == 2


def test_head_that_fails_keeps_its_place_for_a_while_and_then_steps_aside(own_handlers):
    @registry.on("im.message.receive_v1")
    def work(event, bot):
        own_handlers.append(said(event))
        if said(event) == "a":
            raise ValueError

    bot = make_bot()
    write(bot, "a")
    write(bot, "b")
    write(bot, "c", chat="oc_2")
    for _ in range(2):
        run_due(bot)
        HandlerRun.objects.filter(status=RunStatus.RETRYING).update(run_at=timezone.now())
    assert own_handlers == ["a", "c", "a"]
    past = timezone.now() - timedelta(seconds=61)
    HandlerRun.objects.get(status=RunStatus.RETRYING).attempt_log.update(started_at=past)
    run_due(bot)
    run_due(bot)
    assert own_handlers == ["a", "c", "a", "a", "b"]


def test_head_that_is_dead_lets_the_next_one_run(own_handlers):
    @registry.on("im.message.receive_v1", retries=0)
    def work(event, bot):
        own_handlers.append(said(event))
        raise ValueError

    bot = make_bot()
    write(bot, "a")
    write(bot, "b")
    run_due(bot)
    run_due(bot)
    assert own_handlers == ["a", "b"]


def test_what_arrives_while_the_head_runs_waits_behind_it():
    registry.on("im.message.receive_v1")(lambda event, bot: None)
    bot = make_bot()
    [first] = dispatched(write(bot, "a"))
    [second] = dispatched(write(bot, "b"))
    assert (first.status, second.status) == (RunStatus.PENDING, RunStatus.QUEUED)


def test_sweep_wakes_what_waits_for_nobody_any_more():
    registry.on("im.message.receive_v1")(lambda event, bot: None)
    bot = make_bot()
    write(bot, "a")
    [_, second] = dispatched(write(bot, "a")) + dispatched(write(bot, "b"))
    HandlerRun.objects.exclude(pk=second.pk).update(status=RunStatus.SUCCEEDED)
    HandlerRun.objects.filter(pk=second.pk).update(status=RunStatus.QUEUED)
    promote_queued()
    second.refresh_from_db()
    assert second.status == RunStatus.PENDING


def test_two_who_wake_the_same_chat_wake_one(own_handlers):
    registry.on("im.message.receive_v1")(lambda event, bot: None)
    bot = make_bot()
    for text in "abc":
        write(bot, text)
    dispatched(bot.events.first())
    HandlerRun.objects.update(status=RunStatus.QUEUED)
    woken = []

    def wake():
        woken.append(promote(HandlerRun.objects.all()))
        connection.close()

    threads = [threading.Thread(target=wake) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sum(woken) == 1
    assert HandlerRun.objects.filter(status=RunStatus.PENDING).count() == 1


def test_everything_is_done_in_the_end(own_handlers):
    registry.on("im.message.receive_v1")(lambda event, bot: own_handlers.append(said(event)))
    bot = make_bot()
    for number in range(40):
        write(bot, f"{number:02}", chat=f"oc_{number % 4}")
    while run_due(bot):
        pass
    for chat in range(4):
        mine = [text for text in own_handlers if int(text) % 4 == chat]
        assert mine == sorted(mine)
    assert len(own_handlers) == 40
    assert not bot.events.exclude(status=EventStatus.DONE).exists()


def test_many_that_ended_let_their_successors_begin_in_few_statements(django_assert_max_num_queries):
    registry.on("*")(lambda event, bot: None)
    bot = make_bot()
    for number in range(20):
        stored_event(message_event(chat_id=f"oc_{number}"), bot=bot)
    runs = claimed([bot], most=20)
    ends = [RunEnd(run, RunStatus.SUCCEEDED) for run in runs]
    with django_assert_max_num_queries(8 if connection.vendor == "postgresql" else 100):
        assert note_ends(ends) == 0
