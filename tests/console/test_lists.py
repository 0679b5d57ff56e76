"""Lists stay fast and say what to do when they are empty."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst

from auth_sessions.models import AuthSession
from bots.enums import Channel
from bots.models import FleetProcess, Notice
from core.access import audit
from core.access.actors import SYSTEM
from core.console import paging
from core.console.paging import BoundedPaginator
from events.enums import EventStatus, OptionalWork
from events.log.summaries import MAX_READ
from events.models import ReplayJob, ShedCount
from tests.console.rows import (
    PAGES,
    Rows,
    list_of,
    make_event,
    make_rows,
    make_session,
    page_of,
    text_of,
)
from tests.factories import make_bot, make_operator

OTHERS = ["access_auditentry", "access_apiclient", "bots_fleetprocess"]


def queries_of(client: Client, address: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return [query["sql"] for query in queries]


@pytest.mark.parametrize("page", PAGES)
def test_list_takes_as_many_queries_for_three_rows_as_for_one(
    page: str, rows: Rows, as_superuser: Client
) -> None:
    one = queries_of(as_superuser, list_of(page))
    make_rows()
    make_rows()
    assert len(queries_of(as_superuser, list_of(page))) == len(one)


def make_more(number: int) -> None:
    """A few rows of what does not belong to a bot's rows."""
    make_bot()
    ShedCount.objects.create(hour=timezone.now() - timedelta(hours=number), work=OptionalWork.LIVE, count=7)
    ReplayJob.objects.create(requested_by="operator:lin", rate=5, last=9, expected=3)
    audit.record(actor=SYSTEM, action="bot.updated", target=f"Helper {number}")
    FleetProcess.objects.create(name=f"app-1:{number}", seen_at=timezone.now())


@pytest.mark.parametrize(
    "page",
    ["events_handledbot", "events_shedcount", "events_replayjob", "access_auditentry", "bots_fleetprocess"],
)
def test_list_takes_as_many_queries_for_fifty_rows_as_for_one(page: str, as_superuser: Client) -> None:
    make_more(0)
    one = queries_of(as_superuser, list_of(page))
    for number in range(1, 50):
        make_more(number)
    assert len(queries_of(as_superuser, list_of(page))) == len(one)


def test_dead_letters_take_as_many_queries_for_many_groups_as_for_one(
    rows: Rows, as_superuser: Client
) -> None:
    page = reverse("admin:events_event_dead_letters")
    one = queries_of(as_superuser, page)
    for number in range(20):
        event = make_event(rows.bot)
        event.handler_runs.update(fingerprint=str(number))
    assert len(queries_of(as_superuser, page)) == len(one)


def test_page_of_an_incident_takes_as_many_queries_for_many_notices_as_for_one(
    rows: Rows, as_superuser: Client
) -> None:
    def tell() -> None:
        Notice.objects.create(incident=rows.incident, user=make_operator(), channel=Channel.EMAIL)

    tell()
    page = page_of("bots_incident", rows.incident)
    queries_of(as_superuser, page)  # the first look fills Django's cache of content types
    one = queries_of(as_superuser, page)
    for _ in range(5):
        tell()
    assert len(queries_of(as_superuser, page)) == len(one)


def test_event_list_reads_payloads_and_counts_within_a_bound_alone(rows: Rows, as_superuser: Client) -> None:
    statements = queries_of(as_superuser, list_of("events_event"))
    assert not any("COUNT(" in sql for sql in statements)
    [read] = [sql for sql in statements if '"payload"' in sql]
    assert f'LENGTH("events_event"."payload") <= {MAX_READ}' in read


def test_lists_that_count_do_so_within_a_bound(rows: Rows, as_superuser: Client) -> None:
    statements = queries_of(as_superuser, list_of("access_auditentry"))
    counts = [sql for sql in statements if "COUNT(" in sql]
    assert counts
    assert all(f"LIMIT {paging.MAX_COUNT + 1}" in sql for sql in counts)


def test_count_stops_at_its_bound(rows: Rows, monkeypatch, as_superuser: Client) -> None:
    monkeypatch.setattr(paging, "MAX_COUNT", 2)
    for _ in range(3):
        make_session(rows.bot)
    paginator = BoundedPaginator(AuthSession.objects.order_by("-pk"), 2)
    assert (paginator.count, paginator.counted.is_more, paginator.num_pages) == (2, True, 1)
    assert "More than 2;" in text_of(as_superuser.get(list_of("auth_sessions_authsession")))


def test_count_below_the_bound_is_exact(rows: Rows, as_superuser: Client) -> None:
    assert "1 entry" in text_of(as_superuser.get(list_of("auth_sessions_authsession")))


@pytest.mark.parametrize("page", [*PAGES, *OTHERS])
def test_empty_list_says_what_to_do_next(page: str, as_superuser: Client) -> None:
    html = text_of(as_superuser.get(list_of(page)))
    assert 'data-testid="empty"' in html
    assert "Nothing here yet" not in html


@pytest.mark.parametrize("page", [*PAGES, *OTHERS, "events_handledbot", "events_shedcount", "access_user"])
def test_list_is_called_by_what_it_lists(page: str, as_superuser: Client) -> None:
    shown = as_superuser.get(list_of(page)).context
    assert shown["title"] == capfirst(shown["opts"].verbose_name_plural)


def test_list_without_a_match_offers_to_reset(rows: Rows, as_superuser: Client) -> None:
    assert "Nothing matches" in text_of(as_superuser.get(list_of("events_event"), {"q": "no-such-event"}))


@pytest.mark.parametrize(
    ("page", "field"),
    [
        ("events_event", "event_id"),
        ("bots_bot", "app_id"),
        ("auth_sessions_authsession", "open_id"),
        ("auth_sessions_usertoken", "open_id"),
        ("auth_sessions_tokenuse", "open_id"),
        ("bots_sending", "target"),
        ("bots_replystream", "target"),
    ],
)
def test_rows_are_found_by_their_ids(page: str, field: str, rows: Rows, as_superuser: Client) -> None:
    make_rows()
    found = as_superuser.get(list_of(page), {"q": getattr(rows.of(page), field)}).context["cl"].result_list
    assert list(found) == [rows.of(page)]


@pytest.mark.parametrize(
    ("page", "filters", "count"),
    [
        ("events_event", {"status__exact": EventStatus.DEAD, "since": "1h"}, 1),
        ("events_event", {"status__exact": EventStatus.DONE}, 0),
        ("bots_bot", {"connected": "no"}, 1),
        ("bots_bot", {"connected": "yes"}, 0),
        ("auth_sessions_authsession", {"open": "yes"}, 0),
        ("auth_sessions_authsession", {"open": "no", "since": "24h"}, 1),
        ("auth_sessions_usertoken", {"status__exact": "active"}, 1),
        ("auth_sessions_tokenuse", {"kind__exact": "call", "since": "1h"}, 1),
        ("auth_sessions_tokenuse", {"kind__exact": "issued"}, 0),
        ("bots_sending", {"state__exact": "not_sent", "kind__exact": "message", "since": "1h"}, 1),
        ("bots_sending", {"state__exact": "sent"}, 0),
        ("bots_replystream", {"state__exact": "failed", "kind__exact": "message", "since": "1h"}, 1),
        ("bots_replystream", {"state__exact": "running"}, 0),
        ("access_auditentry", {"action": "bot.created"}, 1),
    ],
)
def test_filters_narrow_the_list(
    page: str, filters: dict[str, str], count: int, rows: Rows, as_superuser: Client
) -> None:
    assert as_superuser.get(list_of(page), filters).context["cl"].result_count == count


def test_list_filters_by_bot(rows: Rows, as_superuser: Client) -> None:
    make_rows()
    shown = as_superuser.get(list_of("events_event"), {"bot__id__exact": str(rows.bot.pk)}).context["cl"]
    assert list(shown.result_list) == [rows.event]


@pytest.mark.parametrize("page", [*PAGES, *OTHERS, "access_user"])
def test_page_to_add_opens_where_adding_is_for_people(page: str, as_superuser: Client) -> None:
    nobodys = {"access_auditentry", "bots_fleetprocess"} | set(PAGES) - {"bots_bot", "alerts_alertreceiver"}
    expected = 403 if page in nobodys else 200
    assert as_superuser.get(reverse(f"admin:{page}_add")).status_code == expected
