import json

import pytest

from core.database.counts import BoundedCount
from events.enums import DeliveryStatus, SubscriptionKind
from events.models import Delivery
from events.subscriptions.lag import lag_of
from events.subscriptions.pull import acknowledge, fetch
from tests.events.handler_runs import fanned_out, stored_event
from tests.factories import make_bot, make_subscription

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


@pytest.fixture
def bot():
    return make_bot()


@pytest.fixture
def subscription(bot):
    return make_subscription(bot, kind=SubscriptionKind.PULL)


@pytest.fixture
def events(bot, subscription):
    made = [stored_event(bot=bot) for _ in range(5)]
    fanned_out(made[-1])
    return made


def ids(items):
    return [json.loads(item.payload)["id"] for item in items]


def test_what_is_not_acknowledged_comes_again_in_order(subscription, events):
    expected = [event.pk for event in events]
    for _ in range(2):
        assert ids(fetch(subscription, after=0, limit=10)) == expected


def test_a_reader_goes_on_behind_its_cursor(subscription, events):
    first = fetch(subscription, after=0, limit=2)
    assert ids(fetch(subscription, after=first[-1].number, limit=2)) == [event.pk for event in events[2:4]]


def test_acknowledging_up_to_a_number_ends_those_and_no_others(subscription, events):
    items = fetch(subscription, after=0, limit=3)
    assert acknowledge(subscription, up_to=items[-1].number) == 3
    assert ids(fetch(subscription, after=0, limit=10)) == [event.pk for event in events[3:]]
    ended = Delivery.objects.filter(status=DeliveryStatus.SUCCEEDED).order_by("pk")
    assert [one.event_id for one in ended] == [event.pk for event in events[:3]]
    assert acknowledge(subscription, up_to=items[-1].number) == 0


def test_acknowledging_more_than_fit_into_one_transaction(subscription, events, monkeypatch):
    monkeypatch.setattr("events.subscriptions.pull.MAX_ACKED", 2)
    assert acknowledge(subscription, up_to=2**62) == 5
    assert lag_of(subscription).waiting == BoundedCount(0)


def test_acknowledging_by_number_leaves_the_others_and_other_subscriptions(subscription, events, bot):
    other = make_subscription(bot, kind=SubscriptionKind.PULL)
    foreign = fanned_out(stored_event(bot=bot))
    theirs = next(one for one in foreign if one.subscription == other)
    items = fetch(subscription, after=0, limit=10)
    assert acknowledge(subscription, numbers=[items[1].number, theirs.pk]) == 1
    assert len(fetch(subscription, after=0, limit=10)) == 5
    assert lag_of(other).waiting == BoundedCount(1)
