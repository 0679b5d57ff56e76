"""A receiver is asked once, and what becomes of it stands at the delivery, the event and the subscription."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.actors import SYSTEM
from events.enums import (
    DeliveryFailure,
    DeliveryStatus,
    EventStatus,
    ReplayMode,
    SubscriptionState,
)
from events.handling import registry
from events.handling.sweep import end_lost_clicks
from events.handling.switches import set_switch
from events.log.replay import replay_event
from events.models import Delivery, Event, Subscription
from events.subscriptions import push
from events.subscriptions.answering import ask, begin_asking
from events.subscriptions.circuit_breaker import FAILURES_TO_OPEN
from events.subscriptions.expiry import end_expired
from events.subscriptions.http.signatures import PREFIX
from events.subscriptions.service import switch_off
from tests.events.handler_runs import fanned_out, handed_over_click, stored_event
from tests.events.subscriptions.http.receiver import running
from tests.factories import click_event, make_bot, make_operator, make_subscription

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]

TOAST = {"toast": {"type": "success", "content": "Approved"}}


@pytest.fixture
def receiver(settings):
    settings.DELIVERY_NETWORKS = ["127.0.0.0/8"]
    with running() as opened:
        opened.answer = lambda: (200, {}, json.dumps(TOAST).encode())
        yield opened


@pytest.fixture
def answers(bot, receiver) -> Subscription:
    return make_subscription(bot, kind="answer", url=receiver.url)


def clicked(bot, value=None) -> Event:
    return stored_event(click_event(value=value or {"action": "approve"}), bot=bot)


def asked(event: Event) -> Delivery:
    delivery = begin_asking(event)
    assert delivery is not None
    if delivery.status == DeliveryStatus.RUNNING:
        ask(delivery)
    delivery.refresh_from_db()
    event.refresh_from_db()
    return delivery


def test_receiver_gets_the_whole_click_signed_and_its_answer_is_the_answer(bot, receiver, answers):
    event = clicked(bot)
    delivery = begin_asking(event)
    assert ask(delivery) == TOAST
    [(headers, body)] = receiver.requests
    sent = json.loads(body)
    assert (sent["id"], sent["type"]) == (event.pk, "card.action.trigger")
    assert sent["payload"]["event"] == event.data, "with the token that updates the card"
    assert sent["payload"]["header"]["token"] == ""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(answers.secret.removeprefix(PREFIX))
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{signature}"
    delivery.refresh_from_db()
    attempt = delivery.attempt_log.get()
    assert (delivery.status, attempt.status_code, attempt.response) == ("succeeded", 200, json.dumps(TOAST))
    event.refresh_from_db()
    answers.refresh_from_db()
    assert event.status == EventStatus.DONE
    assert answers.last_success_at is not None


@pytest.mark.parametrize(
    ("answer", "failure", "said"),
    [
        ((500, {}, b"oh no"), DeliveryFailure.REFUSED, "HTTP 500: oh no"),
        ((302, {"location": "/elsewhere"}, b""), DeliveryFailure.REFUSED, "Redirects are not followed"),
        ((200, {}, b"thanks"), DeliveryFailure.BAD_ANSWER, "not a JSON object"),
        ((200, {}, b'{"toast": "' + b"x" * 200_000 + b'"}'), DeliveryFailure.BAD_ANSWER, "128 KB"),
    ],
)
def test_failure_is_noted_and_never_attempted_again(bot, receiver, answers, answer, failure, said):
    receiver.answer = lambda: answer
    event = clicked(bot, {"action": "approve", "once": True})
    assert event.dedupe_key.startswith("once:")
    delivery = asked(event)
    assert (delivery.status, delivery.failure, delivery.attempts) == (DeliveryStatus.DEAD, failure, 1)
    assert said in delivery.error
    assert delivery.attempt_log.get().status_code == answer[0]
    assert event.status == EventStatus.DEAD
    assert "its delivery says why" in event.error
    assert not event.dedupe_key.startswith("once:"), "its button can be clicked again"
    assert Subscription.objects.get().failures == 1


def test_receiver_in_a_network_that_is_not_allowed_is_not_asked(bot, receiver, answers, settings):
    settings.DELIVERY_NETWORKS = []
    delivery = asked(clicked(bot))
    assert delivery.failure == DeliveryFailure.UNREACHABLE
    assert "FEISHU_DELIVERY_NETWORKS" in delivery.error
    assert receiver.requests == []


def test_the_subscription_added_first_is_the_one_that_is_asked(bot, receiver, answers):
    make_subscription(bot, kind="answer", url=receiver.url)
    old = make_subscription(kind="answer", url=receiver.url, created_at=timezone.now() - timedelta(days=1))
    assert asked(clicked(bot)).subscription_id == old.pk
    Subscription.objects.filter(pk=old.pk).update(filter=["event.action.value.action = other"])
    assert asked(clicked(bot)).subscription_id == answers.pk
    assert len(receiver.requests) == 2


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "push"}, {"kind": "pull"}, {"state": "off"}, {"state": "gone"}, {"event_types": ["url.preview.get"]},
        {"filter": ["event.action.value.action = other"]}, {"removed_at": timezone.now()},
    ],
)  # fmt: skip
def test_subscription_that_does_not_answer_it_is_not_asked(bot, answers, values):
    Subscription.objects.update(**values)
    assert begin_asking(clicked(bot)) is None


def test_strangers_subscription_is_not_asked(bot, answers):
    Subscription.objects.update(owner=make_operator())
    assert begin_asking(clicked(bot)) is None
    assert begin_asking(clicked(make_bot())) is None


def test_subscription_that_answers_gets_no_ordinary_events(bot, answers):
    assert fanned_out(stored_event(bot=bot)) == []


def test_paused_subscription_is_not_asked_and_its_delivery_says_so(bot, receiver, answers):
    Subscription.objects.update(state=SubscriptionState.PAUSED)
    event = clicked(bot)
    delivery = asked(event)
    assert (delivery.status, delivery.failure) == (DeliveryStatus.DEAD, DeliveryFailure.NOT_ASKED)
    assert "paused" in delivery.error
    assert event.status == EventStatus.DEAD
    assert receiver.requests == []


def test_open_circuit_lets_one_click_through_when_its_probe_is_due(bot, receiver, answers):
    receiver.answer = lambda: (500, {}, b"")
    for _ in range(FAILURES_TO_OPEN):
        asked(clicked(bot))
    assert Subscription.objects.get().state == SubscriptionState.FAILING
    receiver.answer = lambda: (200, {}, b"{}")
    assert asked(clicked(bot)).failure == DeliveryFailure.NOT_ASKED
    Subscription.objects.update(probe_at=timezone.now())
    assert asked(clicked(bot)).status == DeliveryStatus.SUCCEEDED
    assert Subscription.objects.get().state == SubscriptionState.ACTIVE
    assert len(receiver.requests) == FAILURES_TO_OPEN + 1


def test_two_clicks_do_not_take_one_probe(bot, answers):
    Subscription.objects.update(state=SubscriptionState.FAILING, probe_at=timezone.now())
    first, second = begin_asking(clicked(bot)), begin_asking(clicked(bot))
    assert (first.status, second.failure) == (DeliveryStatus.RUNNING, DeliveryFailure.NOT_ASKED)


def test_click_that_the_workers_take_over_waits_for_the_pusher(bot, answers):
    event = handed_over_click(bot)
    [delivery] = fanned_out(event)
    event.refresh_from_db()
    assert (delivery.status, event.status) == (DeliveryStatus.PENDING, EventStatus.DISPATCHED)
    [claimed] = push.claim_due(answers.pk, limit=9)
    assert claimed == delivery


def test_workers_leave_it_to_a_handler_that_is_on(bot, answers):
    registry.on_card("approve")(lambda event, bot: None)
    assert fanned_out(handed_over_click(bot)) == []


def test_handler_that_is_switched_off_leaves_it_to_the_receiver(bot, answers):
    registry.on_card("approve")(lambda event, bot: None)
    [handler] = registry.known_handlers()
    set_switch(bot=bot, handler=handler, is_on=False, actor=SYSTEM)
    event = handed_over_click(bot)
    assert [one.status for one in fanned_out(event)] == [DeliveryStatus.PENDING]
    assert not event.handler_runs.exists()


def test_click_that_the_workers_cannot_put_to_its_receiver_fails(bot, answers):
    Subscription.objects.update(state=SubscriptionState.PAUSED)
    event = handed_over_click(bot, once=True)
    [delivery] = fanned_out(event)
    event.refresh_from_db()
    assert (delivery.failure, event.status) == (DeliveryFailure.NOT_ASKED, EventStatus.DEAD)
    assert not event.dedupe_key.startswith("once:")


@pytest.mark.parametrize("end", [switch_off, None])
def test_click_that_nobody_asked_for_in_time_fails(bot, answers, end):
    event = handed_over_click(bot, once=True)
    fanned_out(event)
    assert (end_expired(), end_lost_clicks()) == (0, 0)
    long_ago = timezone.now() - timedelta(minutes=6)
    Event.objects.update(received_at=long_ago)
    assert end_lost_clicks() == 0, "it still waits to be asked for"
    if end:
        end(answers, actor=SYSTEM)
    Delivery.objects.update(run_at=long_ago)
    assert (end_expired(), end_lost_clicks()) == (1, 1)
    event.refresh_from_db()
    assert event.status == EventStatus.DEAD
    assert "its delivery says why" in event.error
    assert not event.dedupe_key.startswith("once:")


def test_click_is_not_replayed(bot, receiver, answers):
    receiver.answer = lambda: (500, {}, b"")
    event = clicked(bot)
    asked(event)
    job = replay_event(event, mode=ReplayMode.ALL, actor=SYSTEM, seconds=5)
    assert (job.replayed, job.skipped) == (0, 1)
    assert event.deliveries.count() == 1


def test_process_that_died_meanwhile_ends_it_as_lost_and_it_is_not_asked_again(bot, answers):
    event = clicked(bot)
    delivery = begin_asking(event)
    assert push.claim_abandoned(5) == []
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    [found] = push.claim_abandoned(5)
    assert found.attempts > push.max_attempts_of(found)
    push.end_lost(found)
    delivery.refresh_from_db()
    event.refresh_from_db()
    assert (delivery.status, delivery.failure) == (DeliveryStatus.DEAD, DeliveryFailure.WORKER_LOST)
    assert event.status == EventStatus.DEAD
