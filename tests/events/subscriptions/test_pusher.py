import asyncio
import json
import logging
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from events.enums import DeliveryFailure, DeliveryStatus, EventStatus
from events.models import Delivery
from events.subscriptions.http.answers import MAX_ANSWER
from events.subscriptions.http.post import PushResult, post
from events.subscriptions.pusher import PER_SUBSCRIPTION, Pusher
from feishu.networks import Networks
from tests.events.handler_runs import fanned_out, handed_over_click, stored_event
from tests.events.subscriptions.http.receiver import running
from tests.factories import make_bot, make_subscription
from tests.services.log_lines import lines

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


@pytest.fixture
def make_pusher(monkeypatch):
    monkeypatch.setattr("events.subscriptions.pusher.STOP_SECONDS", 0.2)
    monkeypatch.setattr("django.db.connection.close", lambda: None)  # the test's own
    made = []

    def make(**options) -> Pusher:
        made.append(Pusher(**options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def step_until(pusher: Pusher, condition, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not so in time"
        pusher.step()
        time.sleep(0.01)


def test_an_event_comes_to_a_real_receiver_signed(make_pusher):
    with running() as receiver:
        bot = make_bot()
        subscription = make_subscription(bot, url=receiver.url)
        event = stored_event(bot=bot)
        [delivery] = fanned_out(event)
        networks = Networks.parse(["127.0.0.0/8"])
        pusher = make_pusher(send=lambda request: post(request, networks=networks))
        step_until(pusher, lambda: not Delivery.objects.waiting().exists() and not pusher.in_flight)
        [(headers, body)] = receiver.requests
    assert headers["webhook-id"] == f"dlv_{delivery.pk}"
    assert bot.app_id.encode() in body
    subscription.refresh_from_db()
    assert subscription.last_success_at


def test_a_slow_receiver_delays_no_other(make_pusher):
    bot = make_bot()
    slow = make_subscription(bot, url="https://slow.example.com/")
    fast = make_subscription(bot, url="https://fast.example.com/")
    for _ in range(10):
        fanned_out(stored_event(bot=bot))

    async def send(request):
        if "slow" in request.url:
            await asyncio.sleep(60)
        return PushResult(204)

    pusher = make_pusher(send=send, max_requests=8)
    step_until(pusher, lambda: fast.deliveries.filter(status=DeliveryStatus.SUCCEEDED).count() == 10)
    assert slow.deliveries.filter(status=DeliveryStatus.RUNNING).count() == PER_SUBSCRIPTION
    pusher.stop()
    waiting = slow.deliveries.filter(status=DeliveryStatus.PENDING, attempts=0)
    assert waiting.count() == 10, "what was under way is put back when the process ends"


def test_what_cannot_be_written_fails_alone(make_pusher):
    bot = make_bot()
    make_subscription(bot)
    bad, good = stored_event(bot=bot), stored_event(bot=bot)
    for event in (bad, good):
        fanned_out(event)
    type(bad).objects.filter(pk=bad.pk).update(payload=b"not json")

    async def send(_request):
        return PushResult(204)

    pusher = make_pusher(send=send)
    step_until(pusher, lambda: good.deliveries.get().status == DeliveryStatus.SUCCEEDED)
    step_until(pusher, lambda: bad.deliveries.get().status == DeliveryStatus.RETRYING)
    assert "JSONDecodeError" in bad.deliveries.get().error


def test_lines_of_a_push_name_delivery_subscription_event_and_bot(make_pusher, leaks):
    bot = make_bot()
    subscription = make_subscription(bot)
    event = stored_event(bot=bot)
    [delivery] = fanned_out(event)

    async def send(_request):
        logging.getLogger("feishu.tests").warning("deep_down")
        raise RuntimeError("a fault of ours")

    pusher = make_pusher(send=send)
    step_until(pusher, lambda: event.deliveries.get().status == DeliveryStatus.RETRYING)
    facts = {
        "app_id": bot.app_id,
        "event_id": event.event_id,
        "subscription": str(subscription.pk),
        "delivery": str(delivery.pk),
    }
    for name in ("deep_down", "push_failed"):
        assert facts.items() <= lines(leaks, name)[0].items()


@pytest.fixture
def late_cards(monkeypatch) -> list:
    """Answers that were shown behind the answer to a click."""
    shown: list = []
    monkeypatch.setattr(
        "events.subscriptions.pusher.show_late_answer", lambda _event, answer: shown.append(answer)
    )
    return shown


def test_click_that_could_not_begin_in_time_is_asked_for_and_its_card_comes_late(make_pusher, late_cards):
    bot = make_bot()
    make_subscription(bot, kind="answer")
    event = handed_over_click(bot)
    fanned_out(event)
    card = {"card": {"type": "raw", "data": {"schema": "2.0"}}}

    async def send(request):
        assert request.most_read == MAX_ANSWER
        return PushResult(200, body=json.dumps(card).encode())

    pusher = make_pusher(send=send)
    step_until(pusher, lambda: event.deliveries.get().status == DeliveryStatus.SUCCEEDED)
    event.refresh_from_db()
    assert (event.status, late_cards) == (EventStatus.DONE, [card])


def test_click_is_asked_for_once_also_by_the_pusher(make_pusher, late_cards):
    bot = make_bot()
    make_subscription(bot, kind="answer")
    event = handed_over_click(bot)
    fanned_out(event)

    async def send(_request):
        return PushResult(200, "thanks", body=b"thanks")

    pusher = make_pusher(send=send)
    step_until(pusher, lambda: event.deliveries.get().status == DeliveryStatus.DEAD)
    assert event.deliveries.get().failure == DeliveryFailure.BAD_ANSWER
    event.refresh_from_db()
    assert (event.status, late_cards) == (EventStatus.DEAD, [])


def test_click_whose_process_died_or_ends_is_not_asked_for_again(make_pusher):
    bot = make_bot()
    make_subscription(bot, kind="answer")
    abandoned = handed_over_click(bot)
    fanned_out(abandoned)
    asked = []

    async def send(request):
        asked.append(request.message_id)
        await asyncio.sleep(60)

    pusher = make_pusher(send=send)
    step_until(pusher, lambda: asked)
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    other = make_pusher(send=send)
    other.step()
    assert abandoned.deliveries.get().failure == DeliveryFailure.WORKER_LOST
    stopped = handed_over_click(bot)
    fanned_out(stopped)
    step_until(other, lambda: len(asked) == 2)
    other.stop()
    delivery = stopped.deliveries.get()
    assert (delivery.status, delivery.failure) == (DeliveryStatus.DEAD, DeliveryFailure.WORKER_LOST)
    assert "stopped" in delivery.error
