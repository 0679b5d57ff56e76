"""What went wrong stands on top of an event's page, with the button that repairs it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from core.access.models import User
from events.admin.life import life_of
from events.admin.problems import EventProblem, problems_of
from events.enums import DeliveryFailure, DeliveryStatus, EventStatus, RunFailure
from events.models import Delivery, Event, HandlerRun
from tests.console.rows import Rows, page_of, signed_in, text_of
from tests.events.handler_runs import stored_event
from tests.factories import click_event, make_subscription


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with override("en"):
        yield


def found(event: Event, viewer: User, *, may_change: bool = True) -> list[EventProblem]:
    return problems_of(life_of(event, viewer), may_change=may_change)


def addresses(problem: EventProblem) -> list[str]:
    return [repair.address for repair in problem.repairs]


def test_failed_handler_comes_with_its_last_line_and_two_repairs(rows: Rows, owner: User) -> None:
    HandlerRun.objects.update(failure=RunFailure.RAISED)
    [problem] = found(rows.event, owner)
    assert "shop.handlers.order" in problem.title
    assert "ValueError: no such order" in problem.error
    assert "Traceback" in problem.details
    assert "the-card-token" not in problem.details
    replay, run_again = addresses(problem)
    assert replay == reverse("admin:events_event_replay_one", args=[rows.event.pk])
    assert run_again.endswith("?handler=shop.handlers.order")


def test_who_may_change_nothing_is_offered_no_repair_that_does(rows: Rows, owner: User) -> None:
    assert [problem.repairs for problem in found(rows.event, owner, may_change=False)] == [[]]


def test_delivery_that_failed_is_a_problem_of_its_owner(rows: Rows, owner: User) -> None:
    receiver = make_subscription(rows.bot, name="The warehouse", owner=owner)
    Delivery.objects.create(
        event=rows.event, bot=rows.bot, subscription=receiver, status=DeliveryStatus.DEAD,
        failure=DeliveryFailure.REFUSED, error="HTTP 500: oh no",
    )  # fmt: skip
    HandlerRun.objects.all().delete()
    [problem] = found(rows.event, owner)
    assert "The warehouse" in problem.title
    assert "HTTP 500: oh no" in problem.error
    assert addresses(problem)[-1] == page_of("events_subscription", receiver)


@pytest.mark.parametrize(
    ("values", "title", "repairs"),
    [
        ({"status": EventStatus.QUARANTINED}, "could not be dispatched", 1),
        ({"status": EventStatus.QUARANTINED, "event_type": ""}, "could not be read", 0),
        ({"status": EventStatus.IGNORED}, "No handler is on", 2),
        ({"status": EventStatus.STALE}, "2 h 00 min late", 1),
        ({"status": EventStatus.DEAD, "error": "nobody answered"}, "It failed", 0),
    ],
)
def test_event_that_nobody_handled_says_why(
    rows: Rows, owner: User, values, title: str, repairs: int
) -> None:
    HandlerRun.objects.all().delete()
    Event.objects.filter(pk=rows.event.pk).update(
        created_at=rows.event.received_at - timedelta(hours=2), **values
    )
    [problem] = found(Event.objects.get(pk=rows.event.pk), owner)
    assert title in problem.title
    assert len(problem.repairs) == repairs


def test_event_that_went_well_has_none(rows: Rows, owner: User) -> None:
    HandlerRun.objects.update(status="succeeded")
    rows.event.status = EventStatus.DONE
    assert found(rows.event, owner) == []


def test_click_that_failed_is_not_replayed(rows: Rows, owner: User) -> None:
    click = stored_event(click_event(value={"action": "approve"}), bot=rows.bot)
    HandlerRun.objects.create(event=click, bot=rows.bot, handler="approve", status="dead", error="oh no")
    [problem] = found(click, owner)
    assert problem.repairs == []
    assert "click again" in problem.cure


@pytest.mark.parametrize(("language", "words"), [("en", "failed"), ("zh-CN", "失败")])
def test_page_begins_with_what_went_wrong(rows: Rows, owner: User, language: str, words: str) -> None:
    page = signed_in(owner, language).get(page_of("events_event", rows.event)).content.decode()
    start = page.index('data-testid="problems"')
    assert start < page.index('data-testid="waterfall"')
    assert words in page[start : start + 2_000]
    assert "no such order" in page[start : start + 2_000]


def test_stranger_reads_of_no_problem(rows: Rows, as_stranger: Client) -> None:
    assert "no such order" not in text_of(as_stranger.get(page_of("events_event", rows.event)))
