"""Deliveries that nobody will take come to an end."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.actors import SYSTEM
from events.enums import DeliveryFailure, DeliveryStatus
from events.models import Delivery
from events.subscriptions.expiry import end_expired
from events.subscriptions.service import pause, remove, switch_off
from tests.events.handler_runs import fanned_out, stored_event
from tests.factories import make_subscription

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


@pytest.mark.parametrize("end", [switch_off, remove])
def test_what_waits_for_a_subscription_that_is_off_is_ended(bot, end):
    subscription = make_subscription(bot)
    event = stored_event(bot=bot)
    fanned_out(event)
    end(subscription, actor=SYSTEM)
    assert end_expired() == 1
    assert event.deliveries.get().status == DeliveryStatus.SKIPPED
    assert fanned_out(stored_event(bot=bot)) == []


def test_what_nobody_takes_is_a_dead_letter_after_a_week(bot):
    subscription = make_subscription(bot)
    pause(subscription, actor=SYSTEM)
    event = stored_event(bot=bot)
    fanned_out(event)
    assert end_expired() == 0
    Delivery.objects.update(run_at=timezone.now() - timedelta(days=8))
    assert end_expired() == 1
    assert event.deliveries.get().failure == DeliveryFailure.EXPIRED
