"""The event log: found, read, replayed, watched; by those who may."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bots.models import Bot
from core.access.models import AuditEntry, User
from core.console.live.viewers import Viewer
from events.admin import change_list
from events.admin.tail import EventTail
from events.enums import (
    AttemptOutcome,
    DeliveryStatus,
    EventStatus,
    ReplayMode,
    ReplayState,
    RunFailure,
    RunStatus,
)
from events.handling.registry import HandlerRegistry, on
from events.log import search
from events.models import Delivery, Event, HandlerAttempt, HandlerRun, ReplayJob
from tests.console.rows import (
    Rows,
    list_of,
    make_event,
    make_rows,
    messages_of,
    page_of,
    signed_in,
    text_of,
)
from tests.factories import make_subscription

LOG = list_of("events_event")
MATCHING = reverse("admin:events_event_replay_matching")
DEAD = reverse("admin:events_event_dead_letters")
TAIL = reverse("admin:events_event_tail")
TAIL_POLL = reverse("admin:events_event_tail_poll")


@pytest.fixture(autouse=True)
def replays_hinted(monkeypatch) -> list[Any]:
    hints: list[Any] = []
    monkeypatch.setattr("events.log.replay.notify_replayer", lambda: hints.append(True))
    monkeypatch.setattr("events.log.replay.notify_worker", lambda: True)
    return hints


@pytest.fixture
def handlers(monkeypatch) -> None:
    """The handler that the rows' delivery names, and another."""
    monkeypatch.setattr("events.handling.registry._registry", HandlerRegistry())

    def order(event: Event, bot: Bot) -> None: ...

    def other(event: Event, bot: Bot) -> None: ...

    order.__module__, order.__qualname__ = "shop.handlers", "order"
    other.__module__, other.__qualname__ = "shop.handlers", "other"
    on("im.message.receive_v1")(order)
    on("im.message.receive_v1")(other)


def shown(client: Client, **query: Any) -> list[Event]:
    answer = client.get(LOG, query)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def test_log_pages_through_every_event_once(rows: Rows, as_owner: Client, monkeypatch) -> None:
    monkeypatch.setattr("events.admin.event_log.EventAdmin.list_per_page", 2)
    events = [rows.event, *(make_event(rows.bot) for _ in range(4))]
    found, address = [], LOG
    while address:
        cl = as_owner.get(address).context["cl"]
        found += list(cl.result_list)
        address = f"{LOG}{cl.next_page}" if cl.next_page else ""
    assert found == events[::-1]


def test_each_row_bears_its_own_key_and_says_its_state_in_the_language_of_the_reader(
    rows: Rows, owner: User
) -> None:
    make_event(rows.bot)
    keys = {str(pk) for pk in Event.objects.values_list("pk", flat=True)}
    english, chinese = ("en", "Failed", "Select record"), ("zh-CN", "失败", "选择记录")
    for language, state, tick in (english, chinese, english):
        page = signed_in(owner, language).get(LOG).content.decode()
        assert set(re.findall(r'name="_selected_action" value="(\d+)"', page)) == keys
        assert set(re.findall(r"Select record|选择记录", page)) == {tick}
        assert set(re.findall(r">\s*(Failed|失败)\s*</span>", page)) == {state}


@pytest.mark.parametrize(
    ("values", "query"),
    [
        ({"status": EventStatus.DONE}, {"status__exact": "done"}),
        ({"event_type": "contact.user.created_v3"}, {"event_type__exact": "contact.user.created_v3"}),
        ({"arrived_by": "webhook"}, {"arrived_by__exact": "webhook"}),
        ({"event_id": "ev-1"}, {"q": "ev-1"}),
        ({"trace_id": "log-1"}, {"q": "log-1"}),
        ({"dedupe_key": "message:om_9"}, {"q": "om_9"}),
        ({"payload": '{"text":"你好"}'.encode()}, {"q": "你好"}),
        ({"received_at": timezone.now() + timedelta(days=2)}, {"from": "2100-01-01T00:00"}),
    ],
    ids="-".join,
)
def test_each_filter_narrows_the_log(
    rows: Rows, as_owner: Client, values: dict[str, Any], query: dict[str, Any]
) -> None:
    if "from" in query:
        query = {"from": f"{timezone.localtime() + timedelta(days=1):%Y-%m-%dT%H:%M}"}
    wanted = make_event(rows.bot)
    Event.objects.filter(pk=wanted.pk).update(**values)
    assert shown(as_owner, **query) == [wanted]


def test_filter_of_the_time_ends_before_its_end(rows: Rows, as_owner: Client) -> None:
    old = timezone.now() - timedelta(days=3)
    Event.objects.filter(pk=rows.event.pk).update(received_at=old)
    make_event(rows.bot)
    assert shown(as_owner, until=f"{timezone.localtime() - timedelta(days=2):%Y-%m-%dT%H:%M}") == [rows.event]
    assert len(shown(as_owner, until="not a time")) == 2


def test_a_search_that_is_cut_says_how_far_it_looked_and_goes_on(
    rows: Rows, as_owner: Client, monkeypatch
) -> None:
    wanted = rows.event
    Event.objects.filter(pk=wanted.pk).update(payload=b'{"text": "needle"}')
    for _ in range(5):
        make_event(rows.bot)
    monkeypatch.setattr(change_list, "newest", lambda *a, **o: search.newest(*a, scan_limit=3, **o))
    answer = as_owner.get(LOG, {"q": "needle"})
    assert list(answer.context["cl"].result_list) == []
    assert "Searched back to" in text_of(answer)
    further = as_owner.get(f"{LOG}{answer.context['cl'].next_page}")
    assert list(further.context["cl"].result_list) == [wanted]
    assert "Newest" in text_of(further)


@pytest.mark.only_on("postgres")
def test_a_search_that_takes_too_long_ends_with_advice(rows: Rows, as_owner: Client, monkeypatch) -> None:
    def sleep(*_arguments: Any, **_options: Any) -> Any:
        with search.statement_timeout(0.05), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr(change_list, "newest", sleep)
    answer = as_owner.get(LOG)
    assert answer.status_code == 200
    assert "The search took too long" in messages_of(answer)[0]


def test_the_log_takes_as_many_queries_for_many_events_as_for_one(
    rows: Rows, as_owner: Client, as_superuser: Client
) -> None:
    failed = {"status__exact": "dead", "event_type__exact": "im.message.receive_v1"}
    for client in (as_owner, as_superuser):
        for query in (
            {},
            {"q": "needle"},
            {"event_type__exact": "im.message.receive_v1"},
            failed,
            failed | {"bot__id__exact": str(rows.bot.pk), "arrived_by__exact": "webhook", "since": "24h"},
            failed | {"handler": "shop.handlers.order", "kind": "kind"},
        ):
            taken = []
            for _ in range(2):
                with CaptureQueriesContext(connection) as queries:
                    client.get(LOG, query)
                taken.append(len(queries))
                for _ in range(3):
                    make_event(rows.bot)
            assert taken[0] == taken[1]


def test_a_stranger_finds_nothing_by_any_way(rows: Rows, as_stranger: Client) -> None:
    bot = str(rows.bot.pk)
    for query in ({}, {"q": rows.event.event_id}, {"bot__id__exact": bot}, {"pk": rows.event.pk}):
        assert shown(as_stranger, **query) == []
    assert as_stranger.get(page_of("events_event", rows.event)).status_code == 404
    assert as_stranger.get(reverse("admin:events_event_replay_one", args=[rows.event.pk])).status_code == 404
    assert "0 events match" in text_of(as_stranger.get(MATCHING, {"bot__id__exact": bot}))
    assert "no such order" not in text_of(as_stranger.get(DEAD))
    assert told(as_stranger, rows.event.pk - 1) == []
    assert told(as_stranger, rows.event.pk - 1, bot__id__exact=bot) == []
    assert rows.bot.name not in text_of(as_stranger.get(TAIL))


# --- one event


def test_timeline_shows_every_attempt(rows: Rows, as_owner: Client) -> None:
    delivery = rows.event.handler_runs.get()
    now = timezone.now()
    HandlerRun.objects.filter(pk=delivery.pk).update(attempts=3)
    for number, error in (
        (1, "ValueError: first"),
        (3, 'Traceback\n{"token": "the-card-token"}\nKeyError: third'),
    ):
        HandlerAttempt.objects.create(
            run=delivery, number=number, started_at=now, finished_at=now + timedelta(milliseconds=35),
            outcome=AttemptOutcome.FAILED, error=error,
        )  # fmt: skip
    Event.objects.filter(pk=rows.event.pk).update(duplicates=2)
    html = text_of(as_owner.get(page_of("events_event", rows.event)))
    assert html.count('data-testid="attempt"') == 3
    for words in (
        "ValueError: first",
        "KeyError: third",
        "35 ms",
        "Its worker was gone",
        "pushed again 2 times",
    ):
        assert words in html
    assert "the-card-token" not in html


def test_timeline_takes_as_many_queries_for_many_attempts_as_for_one(rows: Rows, as_owner: Client) -> None:
    taken, now = [], timezone.now()
    for number in range(1, 3):
        for handler in range(number * 2):
            delivery = HandlerRun.objects.create(
                event=rows.event, bot=rows.bot, handler=f"h{number}.{handler}", attempts=1
            )
            HandlerAttempt.objects.create(
                run=delivery, number=1, started_at=now, finished_at=now, outcome=AttemptOutcome.SUCCEEDED
            )
        with CaptureQueriesContext(connection) as queries:
            as_owner.get(page_of("events_event", rows.event))
        taken.append(len(queries))
    assert taken[0] == taken[1]


@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.DEAD])
def test_life_of_an_event_says_which_handler_is_not_installed(
    rows: Rows, owner: User, status: RunStatus
) -> None:
    HandlerRun.objects.filter(event=rows.event).update(status=status, failure=RunFailure.NOT_INSTALLED)
    page = reverse("admin:events_event_change", args=[rows.event.pk])
    for language, text in (("en", "The handler is not installed"), ("zh-CN", "处理器未安装")):
        assert text in signed_in(owner, language).get(page).content.decode()


def test_unicode_is_shown_as_text_and_raw_bytes_are_harmless(rows: Rows, as_owner: Client) -> None:
    address = page_of("events_event", rows.event)
    content = json.dumps({"text": "你好", "token": "the-card-token"})
    Event.objects.filter(pk=rows.event.pk).update(payload=json.dumps({"content": content}).encode())
    html = text_of(as_owner.get(address))
    assert "你好" in html
    assert "the-card-token" not in html
    Event.objects.filter(pk=rows.event.pk).update(
        payload=b'\xff\x00\x1b[2J<script>alert(1)</script>{"token": "the-card-token"',
        status=EventStatus.QUARANTINED,
    )
    html = text_of(as_owner.get(address))
    assert r"\xff\x00\x1b[2J&lt;script&gt;" in html
    assert "the-card-token" not in html


# --- replay


def test_one_event_is_replayed_at_once(rows: Rows, as_owner: Client, handlers: None) -> None:
    address = reverse("admin:events_event_replay_one", args=[rows.event.pk])
    assert "Replay this event" in text_of(as_owner.get(address))
    answer = as_owner.post(address, {"mode": "failed"}, follow=True)
    assert "The event is being handled again." in messages_of(answer)
    rows.event.refresh_from_db()
    assert rows.event.status == EventStatus.DISPATCHED
    assert rows.event.handler_runs.get(is_current=True).round == 1
    assert "Operator · owner" in text_of(answer)
    assert AuditEntry.objects.get(action="replay.started").app_id == rows.bot.app_id


def test_an_event_without_failed_handlers_says_so(rows: Rows, as_owner: Client, handlers: None) -> None:
    rows.event.handler_runs.update(status=RunStatus.SUCCEEDED)
    address = reverse("admin:events_event_replay_one", args=[rows.event.pk])
    answer = as_owner.post(address, {"mode": "failed"}, follow=True)
    assert "nothing to replay" in messages_of(answer)[0]


def test_all_that_match_are_counted_first_and_replayed_in_the_background(
    rows: Rows, as_owner: Client, handlers: None, replays_hinted, django_capture_on_commit_callbacks
) -> None:
    make_event(rows.bot)
    make_rows()
    query = f"{MATCHING}?status__exact=dead"
    assert "2 events match" in text_of(as_owner.get(query))
    assert not ReplayJob.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        answer = as_owner.post(query, {"mode": "all", "rate": 5})
    job = ReplayJob.objects.get()
    assert answer["Location"] == page_of("events_replayjob", job)
    assert (job.mode, job.rate, job.expected, job.state) == (ReplayMode.ALL, 5, 2, ReplayState.WAITING)
    assert job.criteria["bots"] == [str(rows.bot.pk)]
    assert len(replays_hinted) == 1


@pytest.mark.parametrize("values", [{"mode": "all"}, {"mode": "all", "rate": 0}, {"mode": "x", "rate": 5}])
def test_a_replay_needs_a_pace_and_a_choice(rows: Rows, as_owner: Client, values: dict[str, Any]) -> None:
    assert as_owner.post(MATCHING, values).status_code == 200
    assert not ReplayJob.objects.exists()


def test_ticked_events_are_replayed_by_name(rows: Rows, as_owner: Client) -> None:
    others = [make_event(rows.bot) for _ in range(2)]
    ticked = [rows.event.pk, others[0].pk]
    answer = as_owner.post(LOG, {"action": "replay_selected", "_selected_action": ticked})
    assert "2 events match" in text_of(as_owner.get(answer["Location"]))
    as_owner.post(answer["Location"], {"mode": "failed", "rate": 5})
    assert ReplayJob.objects.get().criteria["pks"] == sorted(ticked, reverse=True)


def test_a_replay_shows_its_progress_to_who_asked_and_can_be_cancelled(
    rows: Rows, as_owner: Client, as_stranger: Client
) -> None:
    as_owner.post(MATCHING, {"mode": "failed", "rate": 5})
    job = ReplayJob.objects.get()
    page, cancel = page_of("events_replayjob", job), reverse("admin:events_replayjob_cancel", args=[job.pk])
    html = text_of(as_owner.get(page))
    assert "0 replayed, 0 skipped, of 1" in html
    assert "data-reload" in html
    assert cancel in html
    assert as_stranger.get(page).status_code == as_stranger.post(cancel).status_code == 404
    assert job not in as_stranger.get(list_of("events_replayjob")).context["cl"].result_list
    as_owner.post(cancel)
    job.refresh_from_db()
    assert job.state == ReplayState.CANCELLED
    html = text_of(as_owner.get(page))
    assert "data-reload" not in html
    assert cancel not in html


# --- dead letters


def test_dead_letters_of_a_kind_stand_together(rows: Rows, as_owner: Client) -> None:
    for number in range(3):
        event = make_event(rows.bot)
        event.handler_runs.update(
            fingerprint="kind", error=f"KeyError: 'order {number}'", finished_at=timezone.now()
        )
    html = text_of(as_owner.get(DEAD))
    assert html.count('data-testid="dead-group"') == 2
    assert "KeyError: &#x27;order 2&#x27;" in html
    assert f"{MATCHING}?handler=shop.handlers.order&amp;kind=kind" in html
    assert len(shown(as_owner, handler="shop.handlers.order", kind="kind")) == 3


def test_what_a_receiver_did_not_take_stands_together_and_is_replayed_for_it_alone(
    rows: Rows, as_owner: Client
) -> None:
    HandlerRun.objects.all().delete()
    receiver = make_subscription(rows.bot, name="The warehouse")
    for event in (rows.event, make_event(rows.bot)):
        Delivery.objects.create(
            event=event,
            bot=rows.bot,
            subscription=receiver,
            status=DeliveryStatus.DEAD,
            error="HTTP 500: oh no",
            fingerprint="kind",
        )
    HandlerRun.objects.all().delete()
    html = text_of(as_owner.get(DEAD))
    assert html.count('data-testid="dead-group"') == 1
    assert "The warehouse" in html
    assert "HTTP 500: oh no" in html
    assert f"{MATCHING}?subscription={receiver.pk}&amp;kind=kind" in html
    assert len(shown(as_owner, subscription=str(receiver.pk), kind="kind")) == 2
    as_owner.post(f"{MATCHING}?subscription={receiver.pk}&kind=kind", {"mode": "failed", "rate": 5})
    job = ReplayJob.objects.get()
    assert (job.handlers, job.subscriptions, job.expected) == ([], [str(receiver.pk)], 2)


def test_life_of_an_event_shows_its_deliveries_beside_its_handler_runs(rows: Rows, as_owner: Client) -> None:
    receiver = make_subscription(rows.bot, name="The warehouse")
    Delivery.objects.create(event=rows.event, bot=rows.bot, subscription=receiver)
    html = text_of(as_owner.get(reverse("admin:events_event_change", args=[rows.event.pk])))
    assert (html.count('data-testid="run"'), html.count('data-testid="delivery"')) == (1, 1)
    assert "The warehouse" in html


def test_a_group_is_replayed_for_its_handler_alone(rows: Rows, as_owner: Client, handlers: None) -> None:
    rows.event.handler_runs.update(fingerprint="kind")
    as_owner.post(f"{MATCHING}?handler=shop.handlers.order&kind=kind", {"mode": "all", "rate": 5})
    job = ReplayJob.objects.get()
    assert (job.handlers, job.criteria["fingerprint"], job.expected) == (["shop.handlers.order"], "kind", 1)


def test_no_dead_letters_say_so(rows: Rows, as_owner: Client) -> None:
    HandlerRun.objects.all().delete()
    assert "No dead letters" in text_of(as_owner.get(DEAD))


# --- the live tail


def told(client: Client, cursor: int | None, **filters: str) -> list[dict[str, Any]]:
    """The messages that answer one question."""
    hello = {"cursor": cursor, "filters": filters}
    answer = client.post(TAIL_POLL, hello, content_type="application/json")
    assert answer.status_code == 200
    return answer.json()["messages"]


def test_the_tail_begins_with_the_newest_and_goes_on_by_key(rows: Rows, as_owner: Client) -> None:
    [first] = told(as_owner, None)
    assert [row["pk"] for row in first["rows"]] == [rows.event.pk]
    event = make_event(rows.bot, EventStatus.RECEIVED)
    [second] = told(as_owner, first["cursor"])
    assert event.pk in [row["pk"] for row in second["rows"]]
    assert second["cursor"] == event.pk
    assert as_owner.post(TAIL_POLL, {"cursor": "x"}, content_type="application/json").status_code == 400


def test_the_tail_can_be_narrowed(rows: Rows, as_owner: Client) -> None:
    make_event(rows.bot, EventStatus.DONE)
    [found] = told(as_owner, None, status__exact="done", event_type__exact="im.message.receive_v1")
    assert [row["status"] for row in found["rows"]] == ["done"]
    assert told(as_owner, None, bot__id__exact="x") == []
    assert 'value="done" selected' in text_of(as_owner.get(TAIL, {"status__exact": "done"}))


def test_a_feed_tells_what_is_new_and_what_has_changed_and_nothing_twice(rows: Rows, owner: User) -> None:
    feed, viewer = EventTail(), Viewer(owner, "en")
    feed.start({"cursor": None, "filters": {}})

    def heard() -> list[tuple[int, str]]:
        messages = feed.read(viewer, feed.everything())
        return [(row["pk"], row["status"]) for message in messages for row in message["rows"]]

    assert heard() == [(rows.event.pk, "dead")]
    assert heard() == []
    event = make_event(rows.bot, EventStatus.RECEIVED)
    assert heard() == [(event.pk, "received")]
    Event.objects.filter(pk=event.pk).update(status=EventStatus.DONE)
    assert heard() == [(event.pk, "done")]


def test_a_full_message_is_followed_by_the_next(rows: Rows, owner: User, monkeypatch) -> None:
    monkeypatch.setattr("events.admin.tail.MAX_EVENTS", 2)
    monkeypatch.setattr("events.admin.tail.OVERLAP", 0)
    events = [make_event(rows.bot).pk for _ in range(5)]
    feed, found = EventTail(), []
    feed.start({"cursor": rows.event.pk, "filters": {}})
    for _ in range(4):
        for message in feed.read(Viewer(owner, "en"), feed.everything()):
            found += [row["pk"] for row in message["rows"]]
    assert found == events
