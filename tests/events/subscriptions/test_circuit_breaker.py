"""A receiver that keeps failing is left alone and probed; nothing is lost meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from events.enums import SubscriptionState
from events.models import Subscription
from events.subscriptions.circuit_breaker import FAILURES_TO_OPEN
from events.subscriptions.http.post import PushResult
from events.subscriptions.service import resume
from tests.events.handler_runs import fanned_out, stored_event
from tests.events.subscriptions.pushing import BROKEN, OK, pushed
from tests.factories import make_subscription

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


def test_a_receiver_that_is_gone_gets_nothing_more_and_nothing_is_lost(bot):
    subscription = make_subscription(bot)
    fanned_out(stored_event(bot=bot))
    [delivery] = pushed(subscription, PushResult(410))
    assert subscription.state == SubscriptionState.GONE
    assert AuditEntry.objects.filter(action="subscription.gone").count() == 1
    assert pushed(subscription, OK) == []
    assert fanned_out(stored_event(bot=bot)) == []
    resume(subscription, actor=SYSTEM)
    assert pushed(subscription, OK) == [delivery]


def test_a_subscription_that_keeps_failing_is_paused_probed_and_resumed(bot):
    subscription = make_subscription(bot)
    for _ in range(FAILURES_TO_OPEN + 2):
        fanned_out(stored_event(bot=bot))
    pushed(subscription, BROKEN, limit=FAILURES_TO_OPEN - 1)
    assert subscription.state == SubscriptionState.ACTIVE
    pushed(subscription, BROKEN, limit=1)
    assert subscription.state == SubscriptionState.FAILING
    assert subscription.last_error == "HTTP 500: oh no"
    assert subscription.failures == FAILURES_TO_OPEN
    assert pushed(subscription, BROKEN) == [], "not before its probe is due"
    Subscription.objects.update(probe_at=timezone.now())
    assert len(pushed(subscription, BROKEN)) == 1, "a probe is one push alone"
    assert subscription.probe_at > timezone.now() + timedelta(seconds=60)
    Subscription.objects.update(probe_at=timezone.now())
    pushed(subscription, OK)
    assert (subscription.state, subscription.failures) == (SubscriptionState.ACTIVE, 0)
    assert len(pushed(subscription, OK, limit=50)) == FAILURES_TO_OPEN + 1
    actions = set(AuditEntry.objects.filter(actor="system:portal").values_list("action", flat=True))
    assert {"subscription.failing", "subscription.recovered"} <= actions


def test_one_success_between_failures_keeps_it_going(bot):
    subscription = make_subscription(bot)
    for number in range(FAILURES_TO_OPEN * 2):
        fanned_out(stored_event(bot=bot))
        pushed(subscription, OK if number % 5 == 0 else BROKEN, limit=1)
    assert subscription.state == SubscriptionState.ACTIVE


def test_probes_are_ever_longer_apart(bot):
    subscription = make_subscription(bot)
    for _ in range(FAILURES_TO_OPEN):
        fanned_out(stored_event(bot=bot))
    pushed(subscription, BROKEN, limit=FAILURES_TO_OPEN)
    waits = []
    for _ in range(6):
        waits.append((subscription.probe_at - timezone.now()).total_seconds())
        Subscription.objects.update(probe_at=timezone.now())
        pushed(subscription, BROKEN)
    for wait, pause in zip(waits, (60, 300, 900, 1800, 3600, 3600), strict=True):
        assert pause - 30 <= wait <= pause * 1.2
