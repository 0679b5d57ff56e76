from datetime import timedelta

import pytest
from django.db import DataError, connection
from django.utils import timezone

from core.access.actors import SYSTEM
from events.enums import DeliveryFailure, DeliveryStatus, EventStatus, RunFailure, RunStatus
from events.handling import dispatch, registry
from events.handling.registry import OTHERS, handler_named, known_handlers
from events.handling.scheduler import waiting_bots
from events.handling.switches import set_switch
from events.models import Event, HandlerRun, HandlerSwitch
from tests.events.handler_runs import dispatched, fanned_out, handle, run_due, stored_event
from tests.factories import click_event, make_bot, make_subscription, message_event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


def old_event(minutes: float, **values):
    payload = message_event(**values)
    created = timezone.now() - timedelta(minutes=minutes)
    payload["header"]["create_time"] = str(int(created.timestamp() * 1000))
    return payload


def test_each_matching_handler_gets_a_run():
    registry.on("im.message.*")(lambda event, bot: None)

    @registry.on("*")
    def everything(event, bot): ...

    @registry.on("contact.user.created_v3")
    def other(event, bot): ...

    names = {run.handler for run in dispatched(stored_event())}
    assert len(names) == 2
    assert not any("other" in name for name in names)


def test_event_without_a_handler_is_ignored_and_finished():
    event = stored_event()
    assert dispatched(event) == []
    event.refresh_from_db()
    assert (event.status, event.finished_at is not None) == (EventStatus.IGNORED, True)


@pytest.mark.parametrize("is_on", [None, False])
def test_event_that_goes_to_subscriptions_alone_is_done_at_dispatch(is_on, monkeypatch):
    registry.on("*")(lambda event, bot: None)
    event = stored_event()
    if is_on is None:
        monkeypatch.setattr(registry, "_registry", registry.HandlerRegistry())
    else:
        HandlerSwitch.objects.create(bot=event.bot, handler=known_handlers()[0].name, is_on=is_on)
    make_subscription(event.bot)
    assert len(fanned_out(event)) == 1
    event.refresh_from_db()
    assert (event.status, event.finished_at is not None) == (EventStatus.DONE, True)


def test_event_ends_with_its_handlers_whatever_its_deliveries_come_to():
    registry.on("*")(lambda event, bot: None)
    event = stored_event()
    make_subscription(event.bot)
    assert handle(event).status == EventStatus.DONE
    assert event.deliveries.get().status == DeliveryStatus.PENDING


@pytest.mark.parametrize(
    ("is_subscribed", "status"), [(True, EventStatus.DONE), (False, EventStatus.IGNORED)]
)
def test_event_whose_handlers_were_switched_off_meanwhile_depends_on_its_subscriptions(is_subscribed, status):
    registry.on("*")(lambda event, bot: None)
    event = stored_event()
    if is_subscribed:
        make_subscription(event.bot)
    [run] = dispatched(event)
    HandlerSwitch.objects.create(bot=event.bot, handler=run.handler, is_on=False)
    assert handle(event).status == status


def test_event_dispatched_twice_gets_its_runs_once():
    registry.on("*")(lambda event, bot: None)
    event = stored_event()
    dispatched(event)
    dispatched(event)
    assert HandlerRun.objects.count() == 1


def test_handler_for_others_gets_what_nobody_else_is_there_for():
    @registry.on(OTHERS)
    def other(event, bot): ...

    @registry.on("im.message.receive_v1")
    def message(event, bot): ...

    [run] = dispatched(stored_event())
    assert run.handler.endswith("message")
    payload = message_event()
    payload["header"]["event_type"] = "drive.file.edit_v1"
    [run] = dispatched(stored_event(payload))
    assert run.handler.endswith("other")


@pytest.mark.parametrize(
    ("minutes", "limit", "status"),
    [
        (31, 30, EventStatus.STALE),
        (29, 30, EventStatus.DONE),
        (600, 0, EventStatus.DONE),
        (3, 2, EventStatus.STALE),
    ],
)
def test_event_that_came_too_late_is_stored_but_not_handled(minutes, limit, status):
    registry.on("*")(lambda event, bot: None)
    bot = make_bot(stale_after_minutes=limit)
    event = handle(stored_event(old_event(minutes), bot=bot))
    assert event.status == status
    assert event.finished_at is not None
    assert event.handler_runs.count() == (status == EventStatus.DONE)


def test_event_that_came_too_late_is_handled_by_those_for_whom_it_stays_true():
    @registry.on("im.message.*", even_stale=True)
    def told(event, bot): ...

    @registry.on("*")
    def not_told(event, bot): ...

    event = handle(stored_event(old_event(600), bot=make_bot(stale_after_minutes=30)))
    [run] = event.handler_runs.all()
    assert run.handler.endswith(".told")
    assert event.status == EventStatus.DONE


def test_event_that_waited_in_the_portal_is_not_too_late():
    registry.on("*")(lambda event, bot: None)
    event = stored_event()
    hours_ago = timezone.now() - timedelta(hours=5)
    Event.objects.update(created_at=hours_ago, received_at=hours_ago)
    assert handle(event).status == EventStatus.DONE


def test_event_whose_inside_is_too_deep_for_any_handler_is_quarantined(own_handlers):
    registry.on("*")(lambda event, bot: None)
    payload = message_event()
    payload["header"]["event_type"] = "some.event_v1"
    event, fine = stored_event(payload), stored_event()
    deep = bytes(event.payload).replace(
        b'"event": {', b'"event": {"x": ' + b"[" * 20_000 + b"]" * 20_000 + b", "
    )
    Event.objects.filter(pk=event.pk).update(payload=deep, event_type="approval_instance", bot=fine.bot)
    registry.on("approval.approval.approved_v1")(lambda event, bot: own_handlers.append("no"))
    handle(fine)
    event.refresh_from_db()
    assert event.status == EventStatus.QUARANTINED
    assert "RecursionError" in event.error


@pytest.mark.parametrize(
    ("alias", "event_type", "data", "comes"),
    [
        ("approval.approval.approved_v1", "approval_instance", {"status": "APPROVED"}, True),
        ("approval.approval.approved_v1", "approval_instance", {"status": "REJECTED"}, False),
        ("approval.approval.rejected_v1", "approval_instance", {"status": "REJECTED"}, True),
        ("calendar.event.updated_v4", "calendar.calendar.event.changed_v4", {}, True),
        ("meeting.meeting.started_v1", "vc.meeting.meeting_started_v1", {}, True),
        ("meeting.meeting.ended_v1", "vc.meeting.meeting_ended_v1", {}, True),
        ("im.chat.member.user_added_v1", "im.chat.member.user.added_v1", {}, True),
        ("im.chat.member.user_deleted_v1", "im.chat.member.user.deleted_v1", {}, True),
    ],
)
def test_handler_under_a_misspelled_name_gets_the_real_event(alias, event_type, data, comes):
    registry.on(alias)(lambda event, bot: None)
    payload = message_event()
    payload["header"]["event_type"] = event_type
    payload["event"] = data
    event = stored_event(payload)
    assert len(dispatched(event)) == comes
    assert event.event_type == event_type


# --- switches


def test_handler_switched_off_for_a_bot_is_left_out_and_the_event_says_so():
    registry.on("*")(lambda event, bot: None)
    [handler] = registry.known_handlers()
    off, on = make_bot(), make_bot()
    set_switch(bot=off, handler=handler, is_on=False, actor=SYSTEM)
    event = handle(stored_event(bot=off))
    assert event.status == EventStatus.IGNORED
    assert event.handler_runs.get().status == RunStatus.SKIPPED
    assert handle(stored_event(bot=on)).status == EventStatus.DONE


def test_one_handler_switched_off_leaves_the_other_at_work():
    @registry.on("*")
    def one(event, bot): ...

    @registry.on("*")
    def other(event, bot): ...

    bot = make_bot()
    set_switch(bot=bot, handler=registry.known_handlers()[0], is_on=False, actor=SYSTEM)
    assert handle(stored_event(bot=bot)).status == EventStatus.DONE


def test_handler_switched_off_while_its_event_waits_does_not_run(own_handlers):
    registry.on("*")(lambda event, bot: own_handlers.append("ran"))
    event = stored_event()
    dispatched(event)
    set_switch(bot=event.bot, handler=registry.known_handlers()[0], is_on=False, actor=SYSTEM)
    handle(event)
    assert own_handlers == []
    assert event.handler_runs.get().status == RunStatus.SKIPPED
    assert event.status == EventStatus.IGNORED


@pytest.mark.parametrize("value", [True, False])
def test_setting_decides_where_no_operator_did(settings, value):
    settings.AUDIT_EVERYTHING = value
    registry.on("*", enabled="AUDIT_EVERYTHING")(lambda event, bot: None)
    assert handle(stored_event()).status == (EventStatus.DONE if value else EventStatus.IGNORED)


def test_operator_switches_on_what_is_off_by_default():
    registry.on("*", enabled=False)(lambda event, bot: None)
    bot = make_bot()
    assert handle(stored_event(bot=bot)).status == EventStatus.IGNORED
    set_switch(bot=bot, handler=registry.known_handlers()[0], is_on=True, actor=SYSTEM)
    assert handle(stored_event(bot=bot)).status == EventStatus.DONE


def test_click_handed_to_the_workers_gets_its_card_handler():
    @registry.on_card("approve")
    def approve(event, bot): ...

    @registry.on("*")
    def everything(event, bot): ...

    event = stored_event(click_event(value={"action": "approve"}))
    Event.objects.update(status=EventStatus.RECEIVED)
    [run] = dispatched(event)
    assert handler_named(run.handler).function is approve


def test_dispatching_many_events_takes_as_many_queries_as_one(django_assert_max_num_queries):
    registry.on("*")(lambda event, bot: None)
    bot = make_bot()
    for count in (1, 40):
        events = [stored_event(message_event(chat_id=f"oc_{number}"), bot=bot) for number in range(count)]
        # On SQLite more of them, which cost no round trip: it plans before it takes the lock of all writers.
        with django_assert_max_num_queries(14 if connection.vendor == "postgresql" else 18):
            dispatched(events[0])
    assert HandlerRun.objects.filter(status=RunStatus.PENDING).count() == 40


# --- what is wrong costs itself alone


def test_handler_whose_conditions_raise_costs_itself_alone(monkeypatch, own_handlers):
    registry.on("*", name="good")(lambda event, bot: own_handlers.append(event.pk))
    registry.on("*", name="bad")(lambda event, bot: None)
    matches = registry.Registration.matches

    def raising(handler, event):
        if handler.name == "bad":
            raise TypeError("no pattern at all")
        return matches(handler, event)

    monkeypatch.setattr(registry.Registration, "matches", raising)
    bot = make_bot()
    events = [stored_event(message_event(chat_id=f"oc_{number}"), bot=bot) for number in range(2)]
    assert handle(events[0]).status == EventStatus.DEAD
    assert own_handlers == [event.pk for event in events]
    run = events[0].handler_runs.get(handler="bad")
    assert (run.status, run.failure, run.attempts) == (RunStatus.DEAD, RunFailure.MISREGISTERED, 0)
    assert "TypeError: no pattern at all" in run.error
    assert run.fingerprint


def test_event_is_dead_at_once_where_its_only_handler_could_not_be_told(monkeypatch):
    registry.on("*")(lambda event, bot: None)
    monkeypatch.setattr(registry.Registration, "matches", lambda *_: 1 / 0)
    event = stored_event()
    dispatched(event)
    event.refresh_from_db()
    assert (event.status, event.finished_at is not None) == (EventStatus.DEAD, True)


def test_missing_setting_that_enables_a_handler_leaves_it_off_and_the_others_on(own_handlers):
    registry.on("*", name="good")(lambda event, bot: own_handlers.append(event.pk))
    registry.on("*", name="bad", enabled="NO_SUCH_SETTING")(lambda event, bot: own_handlers.append("bad"))
    event = handle(stored_event())
    assert (event.status, own_handlers) == (EventStatus.DONE, [event.pk])


def test_subscription_whose_filter_raises_costs_itself_alone(monkeypatch, own_handlers):
    registry.on("*")(lambda event, bot: own_handlers.append(event.pk))
    event = stored_event()
    bad = make_subscription(event.bot, filter=["event.message.chat_type = p2p"])
    good = make_subscription(event.bot)
    monkeypatch.setattr("events.subscriptions.fan_out.all_hold", lambda *_: 1 / 0)
    assert handle(event).status == EventStatus.DONE
    statuses = dict(event.deliveries.values_list("subscription", "status"))
    assert statuses == {bad.pk: DeliveryStatus.DEAD, good.pk: DeliveryStatus.PENDING}
    failed = bad.deliveries.get()
    assert (failed.failure, failed.error) == (
        DeliveryFailure.BAD_FILTER,
        "ZeroDivisionError: division by zero",
    )


@pytest.mark.parametrize("payload", [b"not json", b"[1]", b"[" * 100_000])
def test_row_that_cannot_be_read_is_quarantined_alone(own_handlers, payload):
    registry.on("im.message.receive_v1")(lambda event, bot: own_handlers.append(event.pk))
    bot = make_bot()
    broken, fine = stored_event(bot=bot), stored_event(bot=bot)
    Event.objects.filter(pk=broken.pk).update(payload=payload)
    handle(fine)
    broken.refresh_from_db()
    assert (broken.status, own_handlers) == (EventStatus.QUARANTINED, [fine.pk])
    assert broken.error


def test_event_whose_dispatch_raises_is_quarantined_alone(monkeypatch, own_handlers):
    registry.on("*")(lambda event, bot: own_handlers.append(event.pk))
    bot = make_bot()
    broken, fine = stored_event(bot=bot), stored_event(bot=bot)

    def is_stale(event, bot):
        if event.pk == broken.pk:
            raise TypeError("nobody thought of this")
        return False

    monkeypatch.setattr("events.handling.dispatch.is_stale", is_stale)
    handle(fine)
    broken.refresh_from_db()
    assert (broken.status, broken.error) == (EventStatus.QUARANTINED, "TypeError: nobody thought of this")
    assert own_handlers == [fine.pk]


@pytest.mark.django_db(transaction=True)
def test_event_that_breaks_the_transaction_of_its_batch_is_quarantined_alone(own_handlers):
    """Its order key asks the database for nonsense: PostgreSQL takes no further statement then."""
    bot = make_bot()
    broken = stored_event(message_event(text="broken"), bot=bot)
    others = [stored_event(message_event(chat_id=f"oc_{number}"), bot=bot) for number in range(3)]

    def key(event):
        if event.pk == broken.pk:
            with connection.cursor() as cursor:
                cursor.execute("SELECT no_such_column")
        return event.pk

    registry.on("*", ordered_by=key)(lambda event, bot: own_handlers.append(event.pk))
    while run_due(bot) or waiting_bots():
        pass
    assert sorted(own_handlers)[-3:] == [event.pk for event in others]
    broken.refresh_from_db()
    # SQLite goes on after a statement that failed: there the handler runs, without an order.
    if connection.vendor == "postgresql":
        assert broken.status == EventStatus.QUARANTINED
        assert "TransactionManagementError" in broken.error or "InternalError" in broken.error


@pytest.mark.django_db(transaction=True)
def test_event_whose_rows_the_database_refuses_is_quarantined_alone(monkeypatch, own_handlers):
    bot = make_bot()
    broken, fine = stored_event(bot=bot), stored_event(bot=bot)
    registry.on("*")(lambda event, bot: own_handlers.append(event.pk))
    insert_runs = dispatch.insert_runs

    def refusing(runs):
        if any(run.event_id == broken.pk for run in runs):
            raise DataError("value too long")
        return insert_runs(runs)

    monkeypatch.setattr(dispatch, "insert_runs", refusing)
    while run_due(bot) or waiting_bots():
        pass
    broken.refresh_from_db()
    assert (broken.status, broken.error) == (EventStatus.QUARANTINED, "DataError: value too long")
    assert own_handlers == [fine.pk]
