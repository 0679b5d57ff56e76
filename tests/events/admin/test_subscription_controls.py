import json

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from core.access.models import User
from events.models import Subscription
from events.subscriptions.http.answers import Asked
from events.subscriptions.http.post import PushResult
from events.subscriptions.test_delivery import TestOutcome, send_test
from tests.console.rows import messages_of, text_of
from tests.events.subscriptions.http.receiver import running
from tests.factories import make_subscription

pytestmark = pytest.mark.django_db

LIST = "/admin/events/subscription/"


@pytest.fixture
def subscription(rows, owner: User) -> Subscription:
    return make_subscription(rows.bot, owner=owner)


@pytest.mark.parametrize(
    ("action", "state"),
    [("pause", "paused"), ("switch-off", "off"), ("resume", "active")],
)
def test_buttons_ask_and_then_do(subscription, as_owner: Client, action, state):
    Subscription.objects.update(state="failing" if action == "resume" else "active")
    address = f"{LIST}{subscription.pk}/{action}/"
    assert 'data-testid="ask"' in text_of(as_owner.get(address))
    as_owner.post(address)
    subscription.refresh_from_db()
    assert subscription.state == state


def test_a_new_secret_is_shown_once_and_the_old_one_goes_on_for_a_while(subscription, as_owner: Client):
    old = subscription.secret
    answer = as_owner.post(f"{LIST}{subscription.pk}/rotate/")
    subscription = Subscription.objects.get()
    assert subscription.secrets == [subscription.secret, old]
    assert subscription.secret in text_of(answer)
    assert old not in text_of(answer)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (PushResult(204), "HTTP 204"),
        (PushResult(500, "oh no"), "oh no"),
        (PushResult(None, error="no way"), "no way"),
    ],
)
def test_a_test_says_what_the_receiver_said(subscription, as_owner: Client, monkeypatch, result, said):
    outcome = TestOutcome(Asked(result), 0.1)
    monkeypatch.setattr("events.admin.subscription_controls.send_test", lambda _row: outcome)
    [message] = messages_of(as_owner.post(f"{LIST}{subscription.pk}/test/", follow=True))
    assert said in message


@pytest.mark.django_db(transaction=True)
def test_a_test_holds_no_connection_of_the_database_while_it_waits(rows, owner, monkeypatch):
    is_held = []

    def wait(*_arguments, **_options):
        is_held.append(connection.connection is not None)
        return PushResult(204)

    monkeypatch.setattr("events.subscriptions.test_delivery.async_to_sync", lambda _post: wait)
    send_test(make_subscription(rows.bot, owner=owner))
    assert is_held == [False]


@pytest.fixture
def receiver(settings):
    settings.DELIVERY_NETWORKS = ["127.0.0.0/8"]
    with running() as opened:
        yield opened


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b'{"toast": {"content": "Approved"}, "card": {"type": "raw", "data": {}}}', ["the toast “Approved” · a card"]),
        (b"", ["nothing to show"]),
        (b'{"ok": true}', ["The receiver did not take it", "`ok`"]),
    ],
)  # fmt: skip
def test_a_test_of_one_that_answers_is_a_click_and_says_what_it_answered(
    rows, owner, as_owner: Client, receiver, answer, said
):
    receiver.answer = lambda: (200, {}, answer)
    made = make_subscription(rows.bot, owner=owner, kind="answer", url=receiver.url)
    message = messages_of(as_owner.post(f"{LIST}{made.pk}/test/", follow=True))[0]
    for words in said:
        assert words in message
    [(_headers, body)] = receiver.requests
    sent = json.loads(body)
    assert sent["type"] == "card.action.trigger"
    assert sent["payload"]["event"]["action"]["value"] == {"action": "portal.test"}
    assert not made.deliveries.exists()


def test_a_test_says_that_an_answer_came_too_late(rows, owner, as_owner: Client, monkeypatch):
    made = make_subscription(rows.bot, owner=owner, kind="answer")
    outcome = TestOutcome(Asked(PushResult(200), {}), 2.5)
    monkeypatch.setattr("events.admin.subscription_controls.send_test", lambda _row: outcome)
    _answered, late = messages_of(as_owner.post(f"{LIST}{made.pk}/test/", follow=True))
    assert "too late" in late


def test_a_test_is_held_to_the_networks_that_are_allowed(rows, owner, as_owner: Client):
    made = make_subscription(rows.bot, owner=owner, url="http://127.0.0.1:9/")
    [message] = messages_of(as_owner.post(f"{LIST}{made.pk}/test/", follow=True))
    assert "FEISHU_DELIVERY_NETWORKS" in message


def test_failed_deliveries_are_replayed_from_the_log(subscription, as_owner: Client):
    answer = as_owner.get(f"{LIST}{subscription.pk}/replay-failed/")
    assert answer.headers["Location"].startswith(reverse("admin:events_event_replay_matching"))
    assert str(subscription.pk) in answer.headers["Location"]
