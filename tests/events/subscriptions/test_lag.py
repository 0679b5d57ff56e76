import pytest

from core.database.counts import BoundedCount
from events.models import Subscription
from events.subscriptions import lag
from events.subscriptions.lag import lag_of, newest_deliveries, with_oldest
from tests.events.handler_runs import fanned_out, stored_event
from tests.events.subscriptions.pushing import OK, pushed
from tests.factories import make_subscription

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


@pytest.fixture
def subscription(bot) -> Subscription:
    return make_subscription(bot)


def arrived(bot, count: int) -> list:
    events = [stored_event(bot=bot) for _ in range(count)]
    fanned_out(events[-1])
    return events


def test_lag_is_the_number_of_waiting_deliveries_and_the_age_of_the_oldest(bot, subscription):
    events = arrived(bot, 3)
    assert (lag_of(subscription).waiting, lag_of(subscription).oldest) == (
        BoundedCount(3),
        events[0].received_at,
    )
    pushed(subscription, OK, limit=1)
    assert (lag_of(subscription).waiting, lag_of(subscription).oldest) == (
        BoundedCount(2),
        events[1].received_at,
    )


def test_lag_of_others_does_not_count(bot, subscription):
    make_subscription(bot)
    arrived(bot, 1)
    pushed(subscription, OK)
    assert lag_of(subscription) == lag.Lag(BoundedCount(0), None)


def test_lag_is_counted_no_further_than_its_bound(bot, subscription, monkeypatch):
    monkeypatch.setattr(lag, "MAX_COUNTED", 2)
    arrived(bot, 3)
    assert str(lag_of(subscription).waiting) == "2+"


def test_list_of_subscriptions_says_since_when_each_has_waited(bot, subscription):
    [event] = arrived(bot, 1)
    assert with_oldest(Subscription.objects.all()).get().waits_since == event.received_at
    pushed(subscription, OK)
    assert with_oldest(Subscription.objects.all()).get().waits_since is None


def test_newest_deliveries_come_first_with_their_attempts(
    bot, subscription, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(lag, "NEWEST", 2)
    events = arrived(bot, 3)
    pushed(subscription, OK)
    with django_assert_num_queries(4):
        found = newest_deliveries(subscription)
        assert [(one.event_id, len(one.attempt_log.all())) for one in found] == [
            (event.pk, 1) for event in events[:0:-1]
        ]
