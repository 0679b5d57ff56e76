"""Receivers get the platform's own bytes, without the verification token."""

import json

import pytest

from events.subscriptions.filters import all_hold
from events.subscriptions.payload import payload_of
from tests.events.handler_runs import stored_event
from tests.events.payloads import CONTENTS
from tests.factories import message_event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


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


@pytest.mark.parametrize(("kind", "content"), CONTENTS.values(), ids=CONTENTS)
def test_message_of_any_kind_is_filtered_and_delivered_as_it_came(bot, kind, content):
    sent = message_event()
    sent["event"]["message"] |= {"message_type": kind, "content": content}
    event = stored_event(sent, bot=bot)
    assert all_hold([f"event.message.message_type = {kind}"], event.envelope)
    # A path into the content leads nowhere, whatever it is.
    assert not all_hold(["event.message.content.text = /auth"], event.envelope)
    assert json.loads(payload_of(event))["payload"]["event"]["message"]["content"] == content


def test_token_that_updates_the_card_of_an_old_click_stays(bot):
    old = {
        "open_id": "ou_1",
        "user_id": "u1",
        "open_message_id": "om_1",
        "open_chat_id": "oc_1",
        "tenant_key": "tenant",
        "token": "c-0123456789abcdef",
        "action": {"value": {"action": "approve"}, "tag": "button"},
    }
    event = stored_event(old, bot=bot)
    assert event.event_type == "card.action.trigger_v1"
    assert json.loads(payload_of(event))["payload"] == old
