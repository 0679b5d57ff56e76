import json
from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from events.enums import DeliveryFailure, DeliveryStatus, EventStatus, SubscriptionState
from events.models import Delivery, Event, Subscription
from events.subscriptions import push
from events.subscriptions.expiry import end_overdue
from events.subscriptions.http.post import PushResult
from events.subscriptions.payload import payload_of
from events.subscriptions.push import BREAK_AFTER, LADDER, claim_abandoned, claim_for, settle
from events.subscriptions.service import pause, remove, resume, rotate_secret, switch_off
from tests.events.handler_runs import fanned_out, run_due, stored_event
from tests.factories import click_event, make_bot, make_operator, make_subscription, message_event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]

OK = PushResult(200, "thanks")
BROKEN = PushResult(500, "oh no")


@pytest.fixture
def bot():
    return make_bot()


def claimed(subscription, *, limit=10):
    Delivery.objects.waiting().update(run_at=timezone.now())
    return claim_for(subscription.pk, limit=limit)


def sent(subscription, result, *, limit=10):
    """Push what waits once; every receiver answers ``result``."""
    deliveries = claimed(subscription, limit=limit)
    for delivery in deliveries:
        settle(delivery, result)
    subscription.refresh_from_db()
    return deliveries


def test_an_event_goes_to_the_subscriptions_that_want_it(bot):
    wanted = make_subscription(bot, event_types=["im.message.*"])
    make_subscription(bot, event_types=["contact.*"])
    make_subscription(make_bot())
    make_subscription(bot, filter=["event.message.chat_type = group"])
    [delivery] = fanned_out(stored_event(bot=bot))
    assert delivery.subscription == wanted


def test_all_bots_are_those_of_the_owner(bot):
    owner, other = make_operator(), make_operator()
    bot.owners.add(owner)
    mine = make_subscription(owner=owner)
    make_subscription(owner=other)
    make_subscription(bot, owner=other)
    assert [one.subscription for one in fanned_out(stored_event(bot=bot))] == [mine]


@pytest.mark.parametrize("change", [{"is_active": False}, {"gone": True}])
def test_whoever_lost_the_bot_gets_no_more_of_its_events(bot, change):
    owner = make_operator()
    bot.owners.add(owner)
    make_subscription(bot, owner=owner)
    if change.pop("gone", False):
        bot.owners.clear()
    type(owner).objects.filter(pk=owner.pk).update(**change or {"first_name": ""})
    event = stored_event(bot=bot)
    assert fanned_out(event) == []


def test_clicks_are_not_for_subscriptions(bot):
    make_subscription(bot)
    event = stored_event(click_event(value={"action": "x"}), bot=bot)
    Event.objects.update(status=EventStatus.RECEIVED)
    assert fanned_out(event) == []


def test_handlers_runners_leave_pushes_alone(bot):
    make_subscription(bot)
    event = stored_event(bot=bot)
    assert run_due(bot) == []
    assert event.deliveries.get().status == DeliveryStatus.PENDING


def test_a_push_that_is_taken_is_noted_with_its_answer(bot):
    subscription = make_subscription(bot)
    fanned_out(stored_event(bot=bot))
    [delivery] = sent(subscription, OK)
    attempt = delivery.attempt_log.get()
    assert (attempt.status_code, attempt.answer, attempt.outcome) == (200, "thanks", "succeeded")
    assert subscription.last_success_at is not None


def test_a_push_that_fails_climbs_the_ladder_and_is_dead_at_its_top(bot):
    subscription = make_subscription(bot)
    event = stored_event(bot=bot)
    fanned_out(event)
    for number, wait in enumerate((*LADDER, None), start=1):
        Subscription.objects.update(state=SubscriptionState.ACTIVE, failures=0)
        before = timezone.now()
        [delivery] = sent(subscription, BROKEN)
        delivery.refresh_from_db()
        assert delivery.attempts == number
        if wait is not None:
            pause_ = (delivery.run_at - before).total_seconds()
            assert delivery.status == DeliveryStatus.RETRYING
            assert wait <= pause_ <= wait * 1.2 + 60
    assert (delivery.status, delivery.failure) == (DeliveryStatus.DEAD, DeliveryFailure.REFUSED)
    assert delivery.error == "HTTP 500: oh no"
    assert delivery.attempt_log.count() == len(LADDER) + 1
    event.refresh_from_db()
    assert event.status == EventStatus.DONE, "an event's state is that of its handlers"


@pytest.mark.parametrize(
    ("result", "least", "most"),
    [
        (PushResult(429, retry_after=600), 600, 600),
        (PushResult(503, retry_after=600), 600, 600),
        (PushResult(429, retry_after=10**8), push.LONGEST_WISH, push.LONGEST_WISH),
        (PushResult(429, retry_after=1), 5, 6),
        (PushResult(500, retry_after=600), 5, 6),
        (PushResult(None, error="?"), 5, 6),
    ],
)
def test_a_busy_receiver_says_when_to_come_back_within_bounds(result, least, most):
    assert least <= push.pause_after(1, result) <= most


def test_a_receiver_that_is_gone_gets_nothing_more_and_nothing_is_lost(bot):
    subscription = make_subscription(bot)
    fanned_out(stored_event(bot=bot))
    [delivery] = sent(subscription, PushResult(410))
    assert subscription.state == SubscriptionState.GONE
    assert AuditEntry.objects.filter(action="subscription.gone").count() == 1
    assert sent(subscription, OK) == []
    assert fanned_out(stored_event(bot=bot)) == []
    resume(subscription, actor=SYSTEM)
    assert sent(subscription, OK) == [delivery]


def test_a_subscription_that_keeps_failing_is_paused_probed_and_resumed(bot):
    subscription = make_subscription(bot)
    for _ in range(BREAK_AFTER + 2):
        fanned_out(stored_event(bot=bot))
    sent(subscription, BROKEN, limit=BREAK_AFTER - 1)
    assert subscription.state == SubscriptionState.ACTIVE
    sent(subscription, BROKEN, limit=1)
    assert subscription.state == SubscriptionState.FAILING
    assert subscription.last_error == "HTTP 500: oh no"
    assert subscription.failures == BREAK_AFTER
    assert sent(subscription, BROKEN) == [], "not before its probe is due"
    Subscription.objects.update(probe_at=timezone.now())
    assert len(sent(subscription, BROKEN)) == 1, "a probe is one push alone"
    assert subscription.probe_at > timezone.now() + timedelta(seconds=60)
    Subscription.objects.update(probe_at=timezone.now())
    sent(subscription, OK)
    assert (subscription.state, subscription.failures) == (SubscriptionState.ACTIVE, 0)
    assert len(sent(subscription, OK, limit=50)) == BREAK_AFTER + 1
    actions = set(AuditEntry.objects.filter(actor="system:portal").values_list("action", flat=True))
    assert {"subscription.failing", "subscription.recovered"} <= actions


def test_one_success_between_failures_keeps_it_going(bot):
    subscription = make_subscription(bot)
    for number in range(BREAK_AFTER * 2):
        fanned_out(stored_event(bot=bot))
        sent(subscription, OK if number % 5 == 0 else BROKEN, limit=1)
    assert subscription.state == SubscriptionState.ACTIVE


def test_a_paused_subscription_keeps_what_arrives(bot):
    subscription = make_subscription(bot)
    pause(subscription, actor=SYSTEM)
    fanned_out(stored_event(bot=bot))
    assert sent(subscription, OK) == []
    resume(subscription, actor=SYSTEM)
    assert len(sent(subscription, OK)) == 1


@pytest.mark.parametrize("end", [switch_off, remove])
def test_what_waits_for_a_subscription_that_is_off_is_ended(bot, end):
    subscription = make_subscription(bot)
    event = stored_event(bot=bot)
    fanned_out(event)
    end(subscription, actor=SYSTEM)
    assert end_overdue() == 1
    assert event.deliveries.get().status == DeliveryStatus.SKIPPED
    assert fanned_out(stored_event(bot=bot)) == []


def test_what_nobody_takes_is_a_dead_letter_after_a_week(bot):
    subscription = make_subscription(bot)
    pause(subscription, actor=SYSTEM)
    event = stored_event(bot=bot)
    fanned_out(event)
    assert end_overdue() == 0
    Delivery.objects.update(run_at=timezone.now() - timedelta(days=8))
    assert end_overdue() == 1
    assert event.deliveries.get().failure == DeliveryFailure.EXPIRED


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


def test_no_more_pushes_start_in_a_second_than_the_subscription_allows(bot):
    subscription = make_subscription(bot, per_second=3)
    for _ in range(8):
        fanned_out(stored_event(bot=bot))
    assert len(claimed(subscription)) == 3
    assert claimed(subscription) == []
    assert push.seconds_to_next() <= 1
    Subscription.objects.update(next_start_at=timezone.now() - timedelta(seconds=5))
    assert 3 <= len(claimed(subscription)) <= 4


def test_a_push_whose_process_died_is_claimed_again(bot):
    subscription = make_subscription(bot)
    fanned_out(stored_event(bot=bot))
    [delivery] = claimed(subscription)
    assert claim_abandoned(5) == []
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    [again] = claim_abandoned(5)
    settle(delivery, OK)
    again.refresh_from_db()
    assert again.status == DeliveryStatus.RUNNING, "whoever lost the claim changes nothing"
    settle(again, OK)
    assert Delivery.objects.get().status == DeliveryStatus.SUCCEEDED


def test_the_body_is_the_events_own_words_without_the_verification_token(bot):
    event = stored_event(message_event(text="你好", message_id="om_7"), bot=bot)
    body = json.loads(payload_of(event))
    sent_by_platform = json.loads(bytes(event.payload))
    assert b"verification-token" not in payload_of(event)
    assert body["payload"].pop("header") == sent_by_platform.pop("header") | {"token": ""}
    assert body.pop("payload") == sent_by_platform
    assert body["id"] == event.pk
    assert (body["type"], body["app_id"]) == ("im.message.receive_v1", bot.app_id)
    assert body["created_at"].endswith("Z")


@pytest.mark.parametrize(
    "payload",
    [
        b'{"uuid": "1", "token": "verification-token", "x": 1.10, "event": {"type": "old"}}',
        '{"header": {"token": "verification-token"}, "event": {}}'.encode("utf-16"),
        b'\xef\xbb\xbf{"header": {"token": "verification-token"}}',
        b'{"header": {"token": "verification\\u002dtoken"}}',
        b'{"header": {"token": 7}}',
        b"{}",
    ],
)
def test_odd_payloads_become_json_without_the_token(bot, payload):
    event = stored_event(bot=bot)
    event.payload = payload
    event.__dict__.pop("envelope", None)
    body = payload_of(event)
    assert b"verification" not in body
    assert isinstance(json.loads(body)["payload"], dict)
    assert b"1.10" in body or b"1.10" not in payload
