"""A subscription gets the events of bots that are its own and its owner's, and of no others, whatever was before."""

import pytest

from core.access.actors import SYSTEM
from core.access.models import User
from events.enums import DeliveryStatus, SubscriptionKind
from events.models import Delivery, Subscription
from events.subscriptions.lag import lag_of, newest_deliveries, with_oldest
from events.subscriptions.pull import acknowledge, fetch
from events.subscriptions.push import claim_abandoned, is_deliverable
from events.subscriptions.reach import reachable_bots
from events.subscriptions.service import change_subscription
from tests.events.handler_runs import fanned_out, stored_event
from tests.events.subscriptions.pushing import OK, claimed, pushed
from tests.factories import make_bot, make_operator, make_subscription

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


@pytest.fixture
def owner() -> User:
    return make_operator()


@pytest.fixture
def lost(owner):
    """A bot that will be taken from the subscription, or its owner."""
    bot = make_bot()
    bot.owners.add(owner)
    return bot


@pytest.fixture
def bot(bot, owner):
    bot.owners.add(owner)
    return bot


def subscribed(owner: User, *bots, kind=SubscriptionKind.PULL) -> Subscription:
    subscription = make_subscription(*bots, owner=owner, kind=kind)
    for one in bots:
        fanned_out(stored_event(bot=one))
    return subscription


def take_out(subscription: Subscription, lost, owner: User) -> None:
    bots = subscription.bots.exclude(pk=lost.pk)
    change_subscription(subscription, bots=list(bots), changed=["bots"], actor=SYSTEM)


def take_from_owner(subscription: Subscription, lost, owner: User) -> None:
    lost.owners.remove(owner)


def delete(subscription: Subscription, lost, owner: User) -> None:
    # As in the moment before the sweep clears its rows away.
    type(lost).objects.filter(pk=lost.pk).update(deleted_at=lost.created_at)


@pytest.mark.parametrize("lose", [take_out, take_from_owner, delete])
def test_events_of_a_lost_bot_are_neither_fetched_nor_counted_nor_acknowledged(bot, lost, owner, lose):
    subscription = subscribed(owner, bot, lost)
    theirs = Delivery.objects.get(bot=lost)
    lose(subscription, lost, owner)
    subscription = Subscription.objects.get()
    assert [item.number for item in fetch(subscription, after=0, limit=9)] == [
        Delivery.objects.get(bot=bot).pk
    ]
    assert lag_of(subscription).waiting.count == 1
    assert [one.bot_id for one in newest_deliveries(subscription)] == [bot.pk]
    assert acknowledge(subscription, numbers=[theirs.pk]) == 0
    assert acknowledge(subscription, up_to=2**62) == 1


@pytest.mark.parametrize("lose", [take_out, take_from_owner, delete])
def test_events_of_a_lost_bot_are_let_go_and_not_pushed(bot, lost, owner, lose):
    subscription = subscribed(owner, bot, lost, kind=SubscriptionKind.PUSH)
    lose(subscription, lost, owner)
    assert [one.bot_id for one in pushed(subscription, OK)] == [bot.pk]
    assert Delivery.objects.get(bot=lost).status == DeliveryStatus.SKIPPED


def test_bot_taken_out_lets_its_deliveries_go_at_once(bot, lost, owner):
    subscription = subscribed(owner, bot, lost)
    take_out(subscription, lost, owner)
    assert Delivery.objects.get(bot=lost).status == DeliveryStatus.SKIPPED
    assert Delivery.objects.get(bot=bot).status == DeliveryStatus.PENDING


@pytest.mark.parametrize(
    "change", [{"is_active": False}, *({"role": role} for role in ("auditor", "viewer"))]
)
def test_owner_who_may_manage_nothing_receives_nothing(bot, owner, change):
    pull = subscribed(owner, bot)
    push = subscribed(owner, bot, kind=SubscriptionKind.PUSH)
    User.objects.filter(pk=owner.pk).update(**change)
    pull, push = Subscription.objects.get(pk=pull.pk), Subscription.objects.get(pk=push.pk)
    assert reachable_bots(pull) == frozenset()
    assert fetch(pull, after=0, limit=9) == []
    assert claimed(push) == []
    assert fanned_out(stored_event(bot=bot)) == []


def test_abandoned_push_of_a_lost_bot_is_not_tried_again(bot, lost, owner):
    subscription = subscribed(owner, lost, kind=SubscriptionKind.PUSH)
    [delivery] = claimed(subscription)
    Delivery.objects.update(lease_until="2020-01-01T00:00:00Z")
    lost.owners.remove(owner)
    [abandoned] = claim_abandoned(9)
    assert abandoned.pk == delivery.pk
    assert not is_deliverable(abandoned)


def test_list_does_not_tell_since_when_events_of_a_lost_bot_wait(bot, lost, owner):
    subscribed(owner, lost)
    lost.owners.remove(owner)
    [row] = with_oldest(Subscription.objects.all())
    assert row.waits_since is None


def test_all_bots_are_all_of_the_owners(bot, lost, owner):
    subscription = make_subscription(owner=owner, kind=SubscriptionKind.PULL)
    stranger = make_bot()
    assert reachable_bots(subscription) == {bot.pk, lost.pk}
    subscription.owner = make_operator(superuser=True)
    assert reachable_bots(subscription) == {bot.pk, lost.pk, stranger.pk}
    subscription.owner = None
    assert reachable_bots(subscription) == frozenset()
