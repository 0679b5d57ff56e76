import json
import time
from uuid import uuid4

import pytest

from events.enums import Arrived, EventStatus
from events.ingress.incoming import (
    MAX_EVENT_ID,
    MAX_EVENT_TYPE,
    MAX_KEY,
    MAX_TENANT_KEY,
    MAX_TRACE_ID,
    IncomingEvent,
    read_event,
)
from tests.factories import click_event, message_event

BOT = uuid4()


def read(payload: object, **values) -> IncomingEvent:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return read_event(bot_id=BOT, payload=body, arrived_by=Arrived.WEBHOOK, **values)


def test_message_is_known_by_its_id_and_kept_byte_for_byte_without_its_token():
    body = json.dumps(message_event(), indent=3).encode()
    one, another = read(body), read(message_event())

    assert one.payload == body.replace(b"verification-token", b"")
    assert (one.status, one.event_type) == (EventStatus.RECEIVED, "im.message.receive_v1")
    assert one.dedupe_key != another.dedupe_key
    assert one.dedupe_key == read(body).dedupe_key


def test_click_is_answered_here_and_not_dispatched():
    event = read(click_event(value={"action": "approve"}))

    assert (event.is_callback, event.action, event.is_single_use) == (True, "approve", False)
    assert event.status == EventStatus.DISPATCHED


def test_button_that_counts_once_has_a_key_of_its_own():
    first, second = (read(click_event(value={"action": "approve", "once": True})) for _ in range(2))

    assert first.is_single_use
    assert first.dedupe_key == second.dedupe_key
    assert first.event_id != second.event_id


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b'{"header": 1}', "\ud800".encode(errors="surrogatepass")]
)
def test_what_cannot_be_read_is_quarantined_with_its_bytes(body):
    event = read(body)

    assert (event.status, event.payload, event.event_type) == (EventStatus.QUARANTINED, body, "")
    assert event.error
    assert event.dedupe_key == read(body).dedupe_key


@pytest.mark.parametrize(
    ("name", "limit"),
    [("event_id", MAX_EVENT_ID), ("event_type", MAX_EVENT_TYPE), ("tenant_key", MAX_TENANT_KEY)],
)
def test_header_that_fits_no_column_is_quarantined(name, limit):
    payload = message_event()
    payload["header"][name] = "x" * limit
    assert read(payload).status == EventStatus.RECEIVED

    for text in ("x" * (limit + 1), "a NUL\x00"):
        payload["header"][name] = text
        assert read(payload).status == EventStatus.QUARANTINED


def test_key_fits_its_column_whatever_the_id():
    payload = message_event()
    payload["event"]["message"]["message_id"] = "om_" + "x" * MAX_KEY
    event = read(payload)

    assert len(event.dedupe_key) <= MAX_KEY
    assert event.dedupe_key == read(payload).dedupe_key


def test_trace_id_is_cut_to_its_column():
    assert read(message_event(), trace_id="t\x00" + "x" * 500).trace_id == "t" + "x" * (MAX_TRACE_ID - 1)


def test_time_of_the_platform_is_kept_by_the_portals_clock(monkeypatch):
    monkeypatch.setattr("events.ingress.incoming.platform_clock.correction", lambda: -2700.0)
    sent = message_event()  # now, on a machine that is 45 minutes ahead of the platform
    sent["header"]["create_time"] = str(int((time.time() - 2700) * 1000))
    event = read_event(bot_id=uuid4(), payload=json.dumps(sent).encode(), arrived_by=Arrived.WEBSOCKET)
    assert abs((event.received_at - event.created_at).total_seconds()) < 2
