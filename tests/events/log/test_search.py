"""Events are found page by page, and no page reads more than it may."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.models import Bot
from core.database.counts import BoundedCount
from events.enums import DeliveryStatus, EventStatus, RunStatus
from events.log import index_paths
from events.log.criteria import EventCriteria
from events.log.search import SearchPage, count_matching, newest, oldest, resolve
from events.models import Delivery, Event, HandlerRun
from tests.events.log.rows import NOW, make_event
from tests.events.log.searching import all_of, pages
from tests.factories import make_bot, make_subscription


def test_pages_hold_every_event_once_newest_first(bot: Bot) -> None:
    events = [make_event(bot).pk for _ in range(7)]
    assert all_of(EventCriteria(), limit=3) == events[::-1]
    assert [len(page.pks) for page in pages(EventCriteria(), limit=3)] == [3, 3, 1]
    assert not any(page.is_cut for page in pages(EventCriteria(), limit=3))


def test_several_bots_are_merged_in_order(bot: Bot, other: Bot) -> None:
    make_event(make_bot())
    events = [make_event(whose).pk for whose in (bot, other, bot, bot, other)]
    assert all_of(EventCriteria(bots=(bot.pk, other.pk)), limit=2) == events[::-1]
    assert all_of(EventCriteria(bots=()), limit=2) == []


@pytest.mark.parametrize(
    ("values", "criteria"),
    [
        ({"event_type": "contact.user.created_v3"}, {"event_type": "contact.user.created_v3"}),
        ({"status": EventStatus.DEAD}, {"statuses": (EventStatus.DEAD,)}),
        ({"status": EventStatus.IGNORED}, {"statuses": (EventStatus.IGNORED, EventStatus.DEAD)}),
        ({"arrived_by": "webhook"}, {"arrived_by": "webhook"}),
        ({"payload": b'{"text": "needle"}'}, {"text": "needle"}),
        (
            {"event_type": "contact.user.created_v3", "status": EventStatus.DEAD},
            {"event_type": "contact.user.created_v3", "statuses": (EventStatus.DEAD,)},
        ),
    ],
)
@pytest.mark.parametrize("of_one_bot", [False, True])
def test_each_filter_finds_what_it_names_and_nothing_else(
    bot: Bot, values: dict[str, Any], criteria: dict[str, Any], *, of_one_bot: bool
) -> None:
    make_event(bot)
    wanted = make_event(bot, **values)
    make_event(bot)
    bots = (bot.pk,) if of_one_bot else None
    assert all_of(EventCriteria(bots=bots, **criteria), limit=10) == [wanted.pk]


@pytest.mark.parametrize("of_one_bot", [False, True])
def test_a_range_of_time_begins_with_its_first_moment_and_ends_before_its_last(
    bot: Bot, *, of_one_bot: bool
) -> None:
    days = [make_event(bot, received_at=NOW - timedelta(days=5 - day)).pk for day in range(5)]
    bots = (bot.pk,) if of_one_bot else None
    criteria = EventCriteria(bots=bots, since=NOW - timedelta(days=4), until=NOW - timedelta(days=2))
    assert all_of(criteria, limit=10) == [days[2], days[1]]
    assert all_of(criteria, limit=1) == [days[2], days[1]]


def test_events_written_out_of_order_are_in_their_range_all_the_same(bot: Bot) -> None:
    make_event(bot)
    late = make_event(bot, received_at=NOW - timedelta(minutes=50))
    assert all_of(EventCriteria(until=NOW - timedelta(minutes=30)), limit=10) == [late.pk]


def test_a_search_of_payloads_stops_after_its_stretch_and_goes_on_from_there(bot: Bot) -> None:
    first = make_event(bot, text="needle")
    for _ in range(9):
        make_event(bot)
    cut = newest(EventCriteria(text="needle"), limit=5, scan_limit=4)
    assert (cut.pks, cut.is_cut) == ([], True)
    assert all_of(EventCriteria(text="needle"), limit=5, scan_limit=4) == [first.pk]


def test_the_stretch_bounds_what_is_read_of_a_bot_that_is_not_alone(bot: Bot, other: Bot) -> None:
    mine = [make_event(bot, text="needle").pk]
    for _ in range(6):
        make_event(other, text="needle")
    mine.append(make_event(bot, text="needle").pk)
    criteria = EventCriteria(bots=(bot.pk,), text="needle")
    assert newest(criteria, limit=5, scan_limit=3).pks == mine[::-1]


def test_the_stretch_bounds_what_is_read_of_several_bots_together(bot: Bot, other: Bot) -> None:
    events = [make_event(whose, text="needle").pk for _ in range(4) for whose in (bot, other)]
    cut = newest(EventCriteria(bots=(bot.pk, other.pk), text="no such"), limit=5, scan_limit=3)
    assert (cut.pks, cut.cursor, cut.is_cut) == ([], events[-4], True)


def test_every_combination_finds_what_its_conditions_say_in_both_directions(bot: Bot, other: Bot) -> None:
    events = [
        make_event(whose, event_type=event_type, status=status, arrived_by=arrived_by, text=text)
        for whose, event_type, status, arrived_by, text in product(
            (bot, other, make_bot()),
            "ab",
            (EventStatus.DONE, EventStatus.DEAD),
            ("websocket", "webhook"),
            "xy",
        )
    ]
    for event in events[::3]:
        HandlerRun.objects.create(event=event, bot=event.bot, handler="shop", status=RunStatus.DEAD)
    for bots, event_type, statuses, arrived_by, text, handler in product(
        (None, (bot.pk,), (bot.pk, other.pk)),
        ("", "a"),
        ((), (EventStatus.DEAD,), (EventStatus.DEAD, EventStatus.DONE)),
        ("", "webhook"),
        ("", "x"),
        ("", "shop"),
    ):
        criteria = EventCriteria(
            bots, event_type, statuses, arrived_by, text=f'"{text}"' * bool(text), handler=handler
        )
        matches = list(
            Event.objects.filter(criteria.conditions()).order_by("-pk").values_list("pk", flat=True)
        )
        assert all_of(criteria, limit=7, scan_limit=20) == matches
        assert oldest(criteria, last=events[-1].pk, limit=100).pks == matches[::-1]


@pytest.mark.only_on("postgres")
def test_the_settings_of_a_search_end_with_it(bot: Bot) -> None:
    make_event(bot)
    newest(EventCriteria(text="x"), limit=5)
    with connection.cursor() as cursor:
        for name in (*index_paths.SCAN_SETTINGS, "statement_timeout"):
            cursor.execute(f"SELECT setting = reset_val FROM pg_settings WHERE name = '{name}'")
            assert cursor.fetchone() == (True,), name


def test_what_is_typed_is_an_id_first_and_text_else(bot: Bot, other: Bot) -> None:
    by_event = make_event(bot, event_id="ev-1")
    by_log = make_event(bot, trace_id="log-1")
    by_message = make_event(bot, dedupe_key="message:om_1")
    for text, event in (("ev-1", by_event), ("log-1", by_log), (" om_1 ", by_message)):
        assert resolve(text, EventCriteria()).pks == (event.pk,)
        assert resolve(text, EventCriteria(bots=(bot.pk,))).pks == (event.pk,)
        assert resolve(text, EventCriteria(bots=(other.pk,))).pks is None
    assert resolve("ev", EventCriteria()) == EventCriteria(text="ev")
    assert resolve(" ", EventCriteria()) == EventCriteria()


def test_oldest_walks_the_same_events_the_other_way_up_to_the_last(bot: Bot) -> None:
    events = [make_event(bot, text="needle").pk for _ in range(6)]
    found, after = [], 0
    while True:
        page = oldest(EventCriteria(text="needle"), after=after, last=events[4], limit=2, scan_limit=3)
        found += page.pks
        if page.cursor is None:
            break
        after = page.cursor
    assert found == events[:5]


def test_dead_letters_of_one_kind_are_found_by_handler_and_kind(bot: Bot) -> None:
    event, other = make_event(bot, status=EventStatus.DEAD), make_event(bot, status=EventStatus.DEAD)
    for one, kind in ((event, "a"), (other, "b")):
        HandlerRun.objects.create(event=one, bot=bot, handler="shop", status=RunStatus.DEAD, fingerprint=kind)
    assert all_of(EventCriteria(handler="shop", fingerprint="a"), limit=5) == [event.pk]
    assert all_of(EventCriteria(handler="shop"), limit=5) == [other.pk, event.pk]
    HandlerRun.objects.filter(event=event).update(is_current=False)
    assert all_of(EventCriteria(handler="shop", fingerprint="a"), limit=5) == []


def test_dead_letters_of_a_subscription_are_found_by_it_and_their_kind(bot: Bot) -> None:
    event, other = make_event(bot), make_event(bot)
    receiver = make_subscription(bot)
    for one, kind in ((event, "a"), (other, "b")):
        Delivery.objects.create(
            event=one, bot=bot, subscription=receiver, status=DeliveryStatus.DEAD, fingerprint=kind
        )
    assert all_of(EventCriteria(subscription=str(receiver.pk)), limit=5) == [other.pk, event.pk]
    assert all_of(EventCriteria(subscription=str(receiver.pk), fingerprint="a"), limit=5) == [event.pk]
    both = EventCriteria(handler="shop", subscription=str(receiver.pk), fingerprint="a")
    assert all_of(both, limit=5) == []
    HandlerRun.objects.create(event=event, bot=bot, handler="shop", status=RunStatus.DEAD, fingerprint="a")
    assert all_of(both, limit=5) == [event.pk]


def test_dead_letters_are_found_behind_any_number_of_other_events(bot: Bot) -> None:
    event = make_event(bot, status=EventStatus.DEAD)
    HandlerRun.objects.create(event=event, bot=bot, handler="shop", status=RunStatus.DEAD, fingerprint="a")
    for _ in range(6):
        make_event(bot)
    for kind in ("", "a"):
        criteria = EventCriteria(handler="shop", fingerprint=kind)
        assert newest(criteria, limit=5, scan_limit=2) == SearchPage([event.pk], None, is_cut=False)


def test_counting_stops_at_its_bound(bot: Bot) -> None:
    for _ in range(5):
        make_event(bot, text="needle")
    assert count_matching(EventCriteria(), most=10) == BoundedCount(5)
    assert count_matching(EventCriteria(), most=3) == BoundedCount(3, is_more=True)
    assert count_matching(EventCriteria(text="needle"), most=10) == BoundedCount(5)


def test_a_count_looks_at_a_bounded_number_of_events_and_says_when_there_may_be_more(bot: Bot) -> None:
    make_event(bot, text="needle")
    for _ in range(6):
        make_event(bot)
    make_event(bot, text="needle")
    assert count_matching(EventCriteria(text="needle"), most=10, scan_limit=3) == BoundedCount(
        1, is_more=True
    )
    assert count_matching(EventCriteria(text="needle"), most=1) == BoundedCount(1, is_more=True)
    assert count_matching(
        EventCriteria(bots=(bot.pk,), statuses=(EventStatus.DONE,)), most=7
    ) == BoundedCount(7, is_more=True)


def test_nothing_is_found_among_no_bots_and_no_events(bot: Bot) -> None:
    make_event(bot)
    for criteria in (
        EventCriteria(bots=()),
        EventCriteria(pks=()),
        EventCriteria(bots=(), pks=(1,), text="x"),
    ):
        assert newest(criteria, limit=5) == SearchPage([], None, is_cut=False)
        assert count_matching(criteria, most=5) == BoundedCount(0)


def test_the_number_of_queries_depends_on_no_number_of_rows(bot: Bot, other: Bot) -> None:
    criteria = EventCriteria(bots=(bot.pk, other.pk), text="needle", since=NOW - timedelta(days=1))
    taken = []
    for _ in range(2):
        for whose in (bot, other):
            make_event(whose, text="needle")
        with CaptureQueriesContext(connection) as queries:
            newest(criteria, limit=50)
        taken.append(len(queries))
    assert taken[0] == taken[1]
