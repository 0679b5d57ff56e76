"""One handler runs again with an event, and a filter is tried on one."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.access.actors import SYSTEM
from core.access.models import AuditEntry, User
from events.handling import registry
from events.handling.switches import set_switch
from events.models import Delivery, Event, HandlerRun, ReplayJob
from tests.console.rows import Rows, make_event, messages_of, text_of
from tests.events.handler_runs import dispatched, handle, stored_event
from tests.factories import click_event, make_subscription, message_event


@pytest.fixture
def handled(own_handlers: list[str], rows: Rows) -> Event:
    """An event that two handlers have dealt with."""
    for name in ("first", "second"):
        registry.on("im.message.receive_v1", name=name, ordered_by=None)(
            lambda event, bot, name=name: own_handlers.append(name)
        )
    event = handle(stored_event(bot=rows.bot))
    assert sorted(own_handlers) == ["first", "second"]
    own_handlers.clear()
    return event


def run_page(event: Event) -> str:
    return reverse("admin:events_event_run_handler", args=[event.pk])


def filter_page(event: Event) -> str:
    return reverse("admin:events_event_test_filter", args=[event.pk])


def test_chosen_handler_alone_runs_again_and_it_is_audited(
    handled: Event, own_handlers: list[str], as_owner: Client
) -> None:
    asked = text_of(as_owner.get(run_page(handled), {"handler": "second"}))
    assert "happens again" in asked
    answer = as_owner.post(run_page(handled), {"handler": "second"}, follow=True)
    assert "second runs again" in messages_of(answer)[0]
    handle(handled)
    assert own_handlers == ["second"]
    entry = AuditEntry.objects.get(action="replay.started")
    assert entry.detail["handlers"] == ["second"]


def test_handler_that_is_at_work_is_not_started_a_second_time(handled: Event, as_owner: Client) -> None:
    for expected in ("runs again", "still at work"):
        answer = as_owner.post(run_page(handled), {"handler": "first"}, follow=True)
        assert expected in messages_of(answer)[0]
    assert HandlerRun.objects.filter(event=handled, handler="first").count() == 2


def test_handler_that_is_switched_off_or_for_other_events_is_not_offered(
    handled: Event, rows: Rows, as_owner: Client
) -> None:
    registry.on("contact.user.created_v3", name="third")(lambda event, bot: None)
    first = registry.handler_named("first")
    assert first is not None
    set_switch(bot=rows.bot, handler=first, is_on=False, actor=SYSTEM)
    page = text_of(as_owner.get(run_page(handled)))
    assert ('value="second"' in page, 'value="first"' in page, 'value="third"' in page) == (
        True,
        False,
        False,
    )
    as_owner.post(run_page(handled), {"handler": "first"})
    assert not ReplayJob.objects.exists()


def test_click_is_run_with_no_handler(rows: Rows, as_owner: Client) -> None:
    click = stored_event(click_event(value={"action": "approve"}), bot=rows.bot)
    answer = as_owner.post(run_page(click), {"handler": "approve"}, follow=True)
    assert "No handler can run" in messages_of(answer)[0]
    assert not ReplayJob.objects.exists()


def test_stranger_runs_and_tries_nothing(handled: Event, as_stranger: Client) -> None:
    for page in (run_page(handled), filter_page(handled)):
        assert as_stranger.get(page).status_code == 404
        assert as_stranger.post(page, {"handler": "first"}).status_code == 404
    assert not ReplayJob.objects.exists()


def dry_run(client: Client, event: Event, **query: Any) -> tuple[bool, str]:
    page = text_of(client.get(filter_page(event), query))
    part = page[page.index('data-testid="dry-run"') :]
    return 'data-delivered="yes"' in part, part


def test_filter_of_a_subscription_is_tried_and_nothing_delivered(
    rows: Rows, owner: User, as_owner: Client
) -> None:
    event = stored_event(message_event(chat_type="group"), bot=rows.bot)
    receiver = make_subscription(
        rows.bot, owner=owner, event_types=["im.*"], filter=["event.message.chat_type = p2p"]
    )
    is_delivered, words = dry_run(as_owner, event, subscription=str(receiver.pk))
    assert not is_delivered
    assert 'data-holds="no"' in words
    assert "group" in words
    assert dry_run(as_owner, event, filter="event.message.chat_type in group, p2p")[0]
    receiver.filter, receiver.event_types = [], ["contact.*"]
    receiver.save()
    is_delivered, words = dry_run(as_owner, event, subscription=str(receiver.pk))
    assert not is_delivered
    assert "contact.*" in words
    assert not Delivery.objects.exists()


def test_dry_run_says_what_the_dispatcher_does(rows: Rows, owner: User, as_owner: Client) -> None:
    event = stored_event(message_event(chat_type="group"), bot=rows.bot)
    for lines in ([], ["event.message.chat_type = group"], ["event.message.chat_type = p2p"]):
        make_subscription(rows.bot, owner=owner, filter=lines)
    dispatched(event)
    for one in owner.subscriptions.all():
        is_delivered, _words = dry_run(as_owner, event, subscription=str(one.pk))
        assert is_delivered == one.deliveries.exists()


def test_subscription_of_somebody_else_is_not_offered(rows: Rows, as_owner: Client) -> None:
    others = make_subscription(rows.bot, name="Of somebody else")
    page = text_of(as_owner.get(filter_page(rows.event), {"subscription": str(others.pk)}))
    assert "Of somebody else" not in page
    assert 'data-testid="dry-run"' not in page


def test_condition_that_is_none_and_event_that_cannot_be_read_are_said(rows: Rows, as_owner: Client) -> None:
    assert "is not a condition" in text_of(as_owner.get(filter_page(rows.event), {"filter": "nonsense"}))
    broken = make_event(rows.bot)
    Event.objects.filter(pk=broken.pk).update(payload=b"\xff")
    page = text_of(as_owner.get(filter_page(broken), {"filter": "event.x = 1"}))
    assert "cannot be read" in page
