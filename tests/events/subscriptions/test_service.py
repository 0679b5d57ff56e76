"""What operators do with subscriptions."""

import pytest
from django.utils import timezone

from core.access.actors import SYSTEM
from events.enums import SubscriptionKind, SubscriptionState
from events.models import Subscription
from events.subscriptions.service import Operation, pause, possible_operations, remove, resume, rotate_secret
from tests.events.handler_runs import fanned_out, stored_event
from tests.events.subscriptions.pushing import OK, pushed
from tests.factories import make_subscription

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


def test_a_paused_subscription_keeps_what_arrives(bot):
    subscription = make_subscription(bot)
    pause(subscription, actor=SYSTEM)
    fanned_out(stored_event(bot=bot))
    assert pushed(subscription, OK) == []
    resume(subscription, actor=SYSTEM)
    assert len(pushed(subscription, OK)) == 1


def test_a_removed_subscription_has_no_secrets_left(bot):
    subscription = make_subscription(bot)
    rotate_secret(subscription, actor=SYSTEM)
    remove(subscription, actor=SYSTEM)
    row = Subscription.objects.values("secret", "previous_secret").get()
    assert set(row.values()) == {""}


def test_both_secrets_sign_while_one_replaces_the_other(bot):
    subscription = make_subscription(bot)
    old = subscription.secret
    new = rotate_secret(subscription, actor=SYSTEM)
    subscription = Subscription.objects.get()
    assert subscription.secrets == [new, old]
    subscription.previous_until = timezone.now()
    assert subscription.secrets == [new]
    stored = Subscription.objects.values_list("secret", flat=True).get()
    assert new not in stored


def test_a_receiver_that_fetches_has_nothing_to_be_tested_or_signed(bot):
    pulled = make_subscription(bot, kind=SubscriptionKind.PULL)
    assert possible_operations(pulled) == {Operation.PAUSE, Operation.SWITCH_OFF}
    pushed = make_subscription(bot)
    assert possible_operations(pushed) - possible_operations(pulled) == {
        Operation.SEND_TEST,
        Operation.ROTATE,
    }


@pytest.mark.parametrize(
    ("state", "possible"),
    [
        (SubscriptionState.ACTIVE, {Operation.PAUSE, Operation.SWITCH_OFF}),
        (SubscriptionState.PAUSED, {Operation.RESUME, Operation.SWITCH_OFF}),
        (SubscriptionState.FAILING, {Operation.RESUME, Operation.SWITCH_OFF}),
        (SubscriptionState.GONE, {Operation.RESUME, Operation.SWITCH_OFF}),
        (SubscriptionState.OFF, {Operation.RESUME}),
    ],
)
def test_what_is_possible_depends_on_the_state(bot, state, possible):
    subscription = make_subscription(bot, kind=SubscriptionKind.PULL, state=state)
    assert possible_operations(subscription) == possible
