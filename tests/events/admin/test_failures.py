"""What the overview lists of the past day's events: a row a handler and kind of error, a row a receiver."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from bots.models import Bot, Incident
from core.access.models import User
from core.console.overview import Problem
from events.admin import failures
from events.enums import DeliveryStatus, EventStatus, SubscriptionKind, SubscriptionState
from events.models import Delivery, Event, HandlerRun, Subscription
from feishu_portal.overview.problems import findings
from tests.console.rows import make_event, signed_in, text_of
from tests.factories import connect_slots, make_bot, make_operator, make_subscription


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def owner(db: None) -> User:
    return make_operator("owner")


@pytest.fixture
def bot(owner: User) -> Bot:
    made = make_bot()
    made.owners.add(owner)
    connect_slots(made.slots)
    return made


def fail(
    bot: Bot, handler: str = "shop.handlers.order", kind: str = "k1", error: str = "ValueError: 1"
) -> Event:
    event = make_event(bot)
    HandlerRun.objects.filter(event=event).update(handler=handler, fingerprint=kind, error=error)
    return event


def found(user: User) -> list[Problem]:
    return findings(user).problems


def test_failures_are_grouped_by_handler_and_kind_of_error(owner: User, bot: Bot) -> None:
    other = make_bot()
    other.owners.add(owner)
    connect_slots(other.slots)
    for one in (bot, bot, other):
        fail(one)
    fail(bot, kind="k2", error="Traceback\nKeyError: 'a'")

    first, second = found(owner)

    assert (first.sentence, first.scale, str(first.repair.words)) == (
        "3 events failed in “shop.handlers.order”", "2 bots", "Replay 3"
    )  # fmt: skip
    assert (second.sentence, second.text) == ("1 event failed in “shop.handlers.order”", "KeyError: 'a'")
    assert first.together is not None
    assert first.together(2) == "4 events failed in “shop.handlers.order”"
    assert first.together(1) == first.sentence


def test_replay_is_prepared_for_exactly_these(owner: User, bot: Bot) -> None:
    for _number in range(2):
        fail(bot)
    fail(bot, kind="k2")
    client = signed_in(owner)

    [first, _second] = found(owner)

    assert first.repair.permission == "events.add_replayjob"
    assert "2 events match" in text_of(client.get(first.repair.link))
    assert client.get(first.link).context["cl"].result_count == 2


def test_failures_of_yesterday_and_of_others_are_not_listed(owner: User, bot: Bot) -> None:
    old = fail(bot)
    Event.objects.filter(pk=old.pk).update(received_at=timezone.now() - timedelta(hours=25))
    fail(make_bot())

    assert found(owner) == []


def test_failures_beyond_what_is_sorted_are_one_row_more(owner: User, bot: Bot, monkeypatch: Any) -> None:
    monkeypatch.setattr(failures, "MAX_READ", 2)
    for _number in range(3):
        fail(bot)

    sentences = [one.sentence for one in found(owner)]

    assert sentences == [
        "2 events failed in “shop.handlers.order”",
        "1 event failed in the past 24 hours",
    ]


def deliver(bot: Bot, subscription: Subscription, status: DeliveryStatus = DeliveryStatus.DEAD) -> None:
    event = make_event(bot, EventStatus.DONE)
    HandlerRun.objects.filter(event=event).delete()
    Delivery.objects.create(
        event=event, bot=bot, subscription=subscription, status=status, error="HTTP 503", fingerprint="k"
    )


def test_stopped_subscription_is_one_row_with_its_incident_and_its_dead_deliveries(
    owner: User, bot: Bot
) -> None:
    subscription = make_subscription(bot, owner=owner, name="Shop")
    deliver(bot, subscription)
    Subscription.objects.update(
        state=SubscriptionState.GONE, state_since=timezone.now(), last_error="HTTP 410"
    )
    [one] = found(owner)
    assert (one.sentence, str(one.repair.words), one.repair.is_post, one.repair.permission) == (
        "The subscription “Shop” gets no events", "Resume", True, "events.change_subscription"
    )  # fmt: skip
    Incident.objects.create(
        subject="Shop",
        subject_id=subscription.pk,
        owner=owner,
        cause="deliveries",
        reason="gone",
        began_at=timezone.now(),
    )
    [again] = found(owner)
    assert (again.key, str(again.repair.words)) == (one.key, "Resume")


def test_dead_deliveries_of_a_receiver_that_is_well_again_can_be_replayed(owner: User, bot: Bot) -> None:
    subscription = make_subscription(bot, owner=owner, name="Shop")
    for status in (DeliveryStatus.DEAD, DeliveryStatus.DEAD, DeliveryStatus.SUCCEEDED):
        deliver(bot, subscription, status)

    [one] = found(owner)

    assert (one.sentence, str(one.repair.words)) == ("2 events were not delivered to “Shop”", "Replay 2")
    assert signed_in(owner).get(one.repair.link).status_code == 200
    assert found(make_operator("stranger")) == []


def test_clicks_that_nobody_answered_are_shown_and_not_replayed(owner: User, bot: Bot) -> None:
    subscription = make_subscription(bot, owner=owner, kind=SubscriptionKind.ANSWER)
    deliver(bot, subscription)

    [one] = found(owner)

    assert str(one.repair.words) == "Show events"


def test_unreadable_events_are_one_row_a_bot_with_their_incident(owner: User, bot: Bot) -> None:
    for _number in range(2):
        event = make_event(bot, EventStatus.QUARANTINED)
        HandlerRun.objects.filter(event=event).delete()
    [one] = found(owner)
    assert one.sentence == f"2 events of “{bot.name}” could not be read"
    Incident.objects.create(bot=bot, cause="unreadable", message="no JSON", began_at=timezone.now())
    [again] = found(owner)
    assert (again.key, again.repair.link) == (one.key, one.repair.link)


def test_resume_button_resumes_and_leads_back_to_the_overview(owner: User, bot: Bot) -> None:
    make_subscription(bot, owner=owner)
    Subscription.objects.update(state=SubscriptionState.GONE, state_since=timezone.now())
    [one] = found(owner)

    answer = signed_in(owner).post(one.repair.link)

    assert answer.headers["Location"] == "/admin/"
    assert Subscription.objects.get().state == SubscriptionState.ACTIVE
    assert found(owner) == []


def test_findings_read_as_many_queries_for_many_failures_as_for_one(owner: User, bot: Bot) -> None:
    subscription = make_subscription(bot, owner=owner)
    counts = []
    for number in range(5):
        fail(bot, handler=f"shop.handlers.order{number}")
        deliver(bot, subscription)
        make_event(bot, EventStatus.QUARANTINED)
        with CaptureQueriesContext(connection) as queries:
            findings(owner)
        counts.append(len(queries))

    assert set(counts) == {counts[0]}
