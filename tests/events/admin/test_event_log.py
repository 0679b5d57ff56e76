"""The event log is listed, filtered, searched and read, by those who may."""

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
from core.access.models import User
from core.console.filters import visible_choices
from events.admin import change_list
from events.enums import EventStatus
from events.log import search
from events.models import Event
from tests.console.rows import Rows, make_event, messages_of, page_of, signed_in, text_of
from tests.events.admin.pages import DEAD, LOG, MATCHING, TAIL, polled, shown
from tests.events.payloads import CONTENTS
from tests.factories import message_event


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
    refused = as_owner.get(LOG, {"until": "not a time"})
    assert (refused.status_code, refused["Location"]) == (302, f"{LOG}?e=1")


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


def test_the_filter_by_bot_reads_nothing_of_the_bots_but_their_names(rows: Rows, owner: User, rf) -> None:
    request = rf.get(LOG)
    request.user = owner
    with CaptureQueriesContext(connection) as queries:
        assert visible_choices(Bot, request) == [(str(rows.bot.pk), rows.bot.name)]
    assert not any("app_secret" in query["sql"] for query in queries)


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
    assert polled(as_stranger, rows.event.pk - 1) == []
    assert polled(as_stranger, rows.event.pk - 1, bot__id__exact=bot) == []
    assert rows.bot.name not in text_of(as_stranger.get(TAIL))


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


@pytest.mark.parametrize(("kind", "content"), CONTENTS.values(), ids=CONTENTS)
def test_message_of_any_kind_is_listed_read_and_found(
    kind: str, content: Any, rows: Rows, as_superuser: Client
) -> None:
    body = message_event()
    body["event"]["message"] |= {"message_type": kind, "content": content}
    rows.event.payload = json.dumps(body, ensure_ascii=False).encode()
    rows.event.save()
    page = as_superuser.get(page_of("events_event", rows.event))
    assert page.status_code == 200
    assert f"{kind}" in text_of(page)
    assert shown(as_superuser, q=f'"message_type": "{kind}"') == [rows.event]
    if isinstance(content, str) and content and content.isascii() and '"' not in content:
        assert content in text_of(page)
