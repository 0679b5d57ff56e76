"""The description of events is that of the code, and what is really delivered fits it."""

import copy
import json
import re

import jsonschema_rs
import pytest
import yaml
from asgiref.sync import async_to_sync

from core.access.scopes import Scope
from events.models import Event
from events.subscriptions.answering import ask, begin_asking
from events.subscriptions.fan_out import delivery_to
from events.subscriptions.http.answers import read_answer
from events.subscriptions.http.post import PushResult, post
from events.subscriptions.push import build_request
from events.subscriptions.test_delivery import send_test
from feishu.callbacks import CLICK
from feishu.networks import Networks
from feishu_portal.reference.asyncapi_file import PAGE, document, page
from tests.events.handler_runs import stored_event
from tests.events.subscriptions.http.receiver import running
from tests.factories import click_event, make_bot, make_subscription, message_event
from tests.feishu_portal.api.callers import api_client

TOAST = {"toast": {"type": "success", "content": "Approved"}}
LOOPBACK = "127.0.0.0/8"


@pytest.fixture(scope="module")
def description():
    return document()


@pytest.fixture
def receiver(settings):
    settings.DELIVERY_NETWORKS = [LOOPBACK]
    with running() as opened:
        opened.answer = lambda: (200, {}, json.dumps(TOAST).encode())
        yield opened


def faults(description, message, part, value):
    """What of a message's payload or headers does not fit."""
    schema = description["components"]["messages"][message][part]
    validator = jsonschema_rs.Draft202012Validator(
        {**schema, "components": description["components"]}, validate_formats=True
    )
    return [error.message for error in validator.iter_errors(value)]


def test_description_of_events_is_current():
    assert PAGE.read_text() == page(), "run make docs"


def test_every_reference_leads_somewhere(description):
    used = json.dumps(description)
    found = set(re.findall(r'"\$ref": "#/([^"]+)"', used))
    assert len(found) > 20
    for reference in found:
        place = description
        for name in reference.split("/"):
            place = place[name]
    for kind in ("messages", "schemas"):
        for name in description["components"][kind]:
            assert f"components/{kind}/{name}" in found


def test_examples_of_messages_fit(description):
    examples = 0
    for name, message in description["components"]["messages"].items():
        for example in message.get("examples", ()):
            assert faults(description, name, "payload", example["payload"]) == []
            examples += 1
    assert examples >= 6


def test_file_reads_as_the_same_document(description):
    assert yaml.safe_load(PAGE.read_text()) == json.loads(json.dumps(description))


def test_answer_to_a_click_that_fits_is_taken_and_another_is_not(description):
    for answer, fits in (
        (TOAST, True),
        ({}, True),
        ({"card": {"type": "raw", "data": {}}}, True),
        ({"toast": {"type": "loud", "content": "x"}}, False),
        ({"toasts": {}}, False),
        ({"card": {"type": "raw"}}, False),
    ):
        assert (faults(description, "clickAnswer", "payload", answer) == []) is fits
        taken = read_answer(PushResult(200, body=json.dumps(answer).encode()), CLICK)
        assert (taken.answer is not None) is fits


@pytest.mark.parametrize(
    "event", [message_event(), click_event(value={"action": "approve"})], ids=["event", "click"]
)
def test_platforms_own_envelope_fits(description, event):
    assert faults(description, "platformEvent", "payload", event) == []
    assert faults(description, "platformRequest", "payload", event) == []


@pytest.mark.django_db
class TestDelivered:
    @pytest.fixture
    def bot(self):
        return make_bot()

    @staticmethod
    def check(description, message, receiver):
        [(headers, body)] = receiver.requests
        assert faults(description, message, "payload", json.loads(body)) == []
        assert faults(description, message, "headers", headers) == []
        wrong = copy.deepcopy(headers) | {"webhook-signature": "v1,AAAA"}
        assert faults(description, message, "headers", wrong)

    def test_pushed_event_fits(self, description, bot, receiver):
        delivery = delivery_to(
            make_subscription(bot, url=receiver.url), stored_event(message_event(), bot=bot)
        )
        delivery.save()
        assert async_to_sync(post)(build_request(delivery), networks=Networks.parse([LOOPBACK])).is_success
        self.check(description, "pushedEvent", receiver)

    def test_callback_that_is_asked_about_fits(self, description, bot, receiver):
        make_subscription(bot, kind="answer", url=receiver.url)
        delivery = begin_asking(stored_event(click_event(value={"action": "approve"}), bot=bot))
        assert ask(delivery) == TOAST
        self.check(description, "askedCallback", receiver)

    @pytest.mark.parametrize(("kind", "message"), [("push", "pushedEvent"), ("answer", "askedCallback")])
    def test_test_delivery_fits(self, description, bot, receiver, kind, message):
        assert send_test(make_subscription(bot, kind=kind, url=receiver.url)).asked.result.is_success
        self.check(description, message, receiver)

    def test_fetched_events_fit(self, description, bot):
        subscription = make_subscription(bot, kind="pull")
        delivery_to(subscription, stored_event(message_event(), bot=bot)).save()
        fetched = api_client(Scope.EVENTS_READ).get(f"/api/v1/subscriptions/{subscription.pk}/events")
        assert len(fetched.json()["items"]) == Event.objects.count() == 1
        assert faults(description, "fetchedEvents", "payload", fetched.json()) == []
