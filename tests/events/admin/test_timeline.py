"""The timeline of an event shows what became of it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.access.models import User
from events.enums import AttemptOutcome, EventStatus, RunFailure, RunStatus
from events.models import Delivery, Event, HandlerAttempt, HandlerRun
from tests.console.rows import Rows, page_of, signed_in, text_of
from tests.factories import make_subscription


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
        "pushed it again 2 times",
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
def test_timeline_says_which_handler_is_not_installed(rows: Rows, owner: User, status: RunStatus) -> None:
    HandlerRun.objects.filter(event=rows.event).update(status=status, failure=RunFailure.NOT_INSTALLED)
    page = reverse("admin:events_event_change", args=[rows.event.pk])
    for language, text in (("en", "The handler is not installed"), ("zh-CN", "处理器未安装")):
        assert text in signed_in(owner, language).get(page).content.decode()


def test_run_for_a_message_that_was_not_for_the_bot_says_so(rows: Rows, as_owner: Client) -> None:
    now, run = timezone.now(), rows.event.handler_runs.get()
    HandlerAttempt.objects.create(
        run=run, number=1, started_at=now, finished_at=now, outcome=AttemptOutcome.FAILED, error="502"
    )
    HandlerRun.objects.update(status=RunStatus.SKIPPED, failure=RunFailure.NOT_ADDRESSED, attempts=2)
    Event.objects.update(status=EventStatus.IGNORED)
    html = text_of(as_owner.get(page_of("events_event", rows.event)))
    assert "The message was not for the bot" in html
    assert "Switched off" not in html
    assert "No handler is on for it" not in html
    assert html.count('data-testid="attempt"') == 1


def test_timeline_shows_own_deliveries_beside_handler_runs(rows: Rows, owner: User, as_owner: Client) -> None:
    receiver = make_subscription(rows.bot, name="The warehouse", owner=owner)
    others = make_subscription(rows.bot, name="Of somebody else")
    for one in (receiver, others):
        Delivery.objects.create(event=rows.event, bot=rows.bot, subscription=one)
    html = text_of(as_owner.get(reverse("admin:events_event_change", args=[rows.event.pk])))
    assert (html.count('data-testid="run"'), html.count('data-testid="delivery"')) == (1, 1)
    assert "The warehouse" in html
    assert "Of somebody else" not in html
