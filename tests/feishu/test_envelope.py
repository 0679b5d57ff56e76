import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from feishu.card_buttons import NO_CLICK
from feishu.envelope import Challenge, EnvelopeError, challenge_of, decode, fallback_key, parse

HEADER = {
    "event_id": "0f3c9a6d5b1e4f7a8b2c3d4e5f607182",
    "event_type": "contact.user.created_v3",
    "create_time": "1700000000123",
    "token": "vtok",
    "app_id": "cli_a1b2c3d4e5f60718",
    "tenant_key": "1a2b3c4d5e6f7081",
}


def v2(event: object = None, **header: object) -> bytes:
    return json.dumps({"schema": "2.0", "header": {**HEADER, **header}, "event": event or {}}).encode()


def v1(**changed: object) -> bytes:
    event = {"type": "approval_instance", "app_id": "cli_a", "tenant_key": "tk", "uuid": "biz-7"}
    whole = {
        "ts": "1700000000.1234567",
        "uuid": "c0ffee",
        "token": "vtok",
        "type": "event_callback",
        "event": event,
    }
    return json.dumps({**whole, **changed}).encode()


def test_a_schema_2_envelope_is_read():
    envelope = parse(v2({"object": {}}))
    assert envelope.schema == "2.0"
    assert envelope.event_id == HEADER["event_id"]
    assert envelope.event_type == "contact.user.created_v3"
    assert envelope.create_time == datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)
    assert (envelope.app_id, envelope.tenant_key, envelope.token) == (
        "cli_a1b2c3d4e5f60718",
        "1a2b3c4d5e6f7081",
        "vtok",
    )
    assert envelope.dedupe_key == f"event:{HEADER['event_id']}"
    assert not envelope.is_callback
    assert "vtok" not in repr(envelope)


def test_a_schema_1_envelope_is_read():
    envelope = parse(v1())
    assert (envelope.schema, envelope.event_id, envelope.event_type) == ("1.0", "c0ffee", "approval_instance")
    assert (envelope.app_id, envelope.tenant_key, envelope.token) == ("cli_a", "tk", "vtok")
    assert envelope.dedupe_key == "uuid:c0ffee"
    assert envelope.create_time is not None
    assert envelope.create_time.replace(microsecond=0) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_a_schema_1_event_without_uuid_is_told_apart_by_its_bytes():
    payload = v1(uuid="")
    assert parse(payload).dedupe_key == fallback_key(payload)


def test_a_message_is_the_same_message_under_a_new_event_id():
    event = {"message": {"message_id": "om_1", "content": "{}"}, "sender": {}}
    first = parse(v2(event, event_type="im.message.receive_v1", event_id="e1"))
    second = parse(v2(event, event_type="im.message.receive_v1", event_id="e2"))
    assert first.dedupe_key == second.dedupe_key == "message:om_1"


@pytest.mark.parametrize("event", [{}, {"message": "text"}, {"message": {"message_id": 7}}])
def test_a_message_without_an_id_falls_back_to_its_event_id(event):
    envelope = parse(v2(event, event_type="im.message.receive_v1", event_id="e1"))
    assert envelope.dedupe_key == "event:e1"


@pytest.mark.parametrize("event_type", ["card.action.trigger", "url.preview.get"])
def test_callbacks_are_recognised(event_type):
    assert parse(v2({}, event_type=event_type)).is_callback


def test_a_callback_without_event_id_goes_by_its_card_token():
    envelope = parse(v2({"token": "c-01"}, event_type="card.action.trigger", event_id=None))
    assert envelope.dedupe_key == "card:c-01"


def test_a_callback_without_any_id_goes_by_its_bytes():
    payload = v2({"token": 7}, event_type="card.action.trigger", event_id=None)
    assert parse(payload).dedupe_key == fallback_key(payload)


def test_an_event_without_any_id_goes_by_its_bytes():
    payload = v2({"token": "c-01"}, event_id="")
    assert parse(payload).dedupe_key == fallback_key(payload)
    assert fallback_key(payload) == f"sha256:{hashlib.sha256(payload).hexdigest()}"


def test_the_old_card_callback_is_recognised():
    click = {
        "open_id": "ou_1",
        "open_message_id": "om_1",
        "tenant_key": "tk",
        "token": "c-9",
        "action": {"value": {}},
    }
    envelope = parse(json.dumps(click).encode())
    assert (envelope.event_type, envelope.dedupe_key, envelope.tenant_key) == (
        "card.action.trigger_v1",
        "card:c-9",
        "tk",
    )
    assert envelope.is_callback
    assert envelope.token == ""


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("1700000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("1700000000123", datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)),
        ("1700000000123456", datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)),
        (1700000000123, datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)),
        ("1700000000.5", datetime(2023, 11, 14, 22, 13, 20, 500000, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("9" * 30, None),
        (10**400, None),
        ("253402300799", None),
        ("900000000000", None),
        (None, None),
    ],
)
def test_times_are_read_whatever_their_unit(time, expected):
    assert parse(v2(create_time=time)).create_time == expected


def test_some_events_keep_their_time_elsewhere():
    envelope = parse(v2(create_time=None, event_create_time="1700000000.5"))
    assert envelope.create_time == datetime(2023, 11, 14, 22, 13, 20, 500000, tzinfo=UTC)


def test_null_and_absent_fields_are_empty():
    envelope = parse(b'{"schema":"2.0","header":{"event_type":"x","app_id":null}}')
    assert (envelope.event_id, envelope.app_id, envelope.tenant_key, envelope.token) == ("", "", "", "")


@pytest.mark.parametrize(
    ("odd", "fields"),
    [
        ({"event_id": 12345}, {"event_id": "12345", "dedupe_key": "event:12345"}),
        ({"tenant_key": 736588}, {"tenant_key": "736588"}),
        ({"tenant_key": {"id": 1}}, {"tenant_key": ""}),
        ({"app_id": ["cli_a"]}, {"app_id": ""}),
        ({"create_time": {}}, {"create_time": None}),
        ({"create_time": False}, {"create_time": None}),
        ({"token": 123456}, {"token": "123456"}),
        ({"token": True}, {"token": ""}),
    ],
)
def test_odd_field_of_the_header_costs_itself_and_no_event(odd, fields):
    event = {"message": {"message_id": "om_1"}}
    payload = v2(event, **odd)
    envelope, usual = parse(payload), parse(v2(event))
    assert structs.asdict(envelope) == structs.asdict(usual) | fields


@pytest.mark.parametrize(
    "odd", [{"schema": 2}, {"schema": 2.0}, {"type": 7}, {"token": []}, {"challenge": {}}, {"ts": [1]}]
)
def test_odd_field_beside_the_header_costs_itself_and_no_event(odd):
    whole = json.loads(v2({"token": "c-01"}, event_type="card.action.trigger", event_id=None))
    envelope = parse(json.dumps(whole | odd).encode())
    assert (envelope.dedupe_key, envelope.is_callback, envelope.token) == ("card:c-01", True, "vtok")


def test_odd_field_of_schema_1_costs_itself_and_no_event():
    event = {"type": "approval_instance", "app_id": 5, "tenant_key": None}
    envelope = parse(v1(uuid=7, event=event))
    assert (envelope.event_id, envelope.event_type, envelope.app_id) == ("7", "approval_instance", "5")


@pytest.mark.parametrize("event_id", ["x" * 500, "a\x00b", "line\nbreak"])
def test_an_id_that_would_not_fit_a_column_is_hashed(event_id):
    key = parse(v2(event_id=event_id)).dedupe_key
    assert key == f"event:sha256:{hashlib.sha256(event_id.encode()).hexdigest()}"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"schema":"2.0"}',
        b'{"schema":"2.0","header":{}}',
        b'{"schema":"2.0","header":{"event_type":7}}',
        b'{"uuid":"u","event":{}}',
        b'{"uuid":"u","event":[]}',
        b'{"type":"url_verification","challenge":"c","token":"t"}',
        b'{"a":"\xff"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_event_is_refused(payload):
    with pytest.raises(EnvelopeError):
        parse(payload)


@given(st.binary(max_size=200))
def test_no_bytes_can_break_the_reading(payload):
    try:
        parse(payload)
    except EnvelopeError:
        return
    raise AssertionError(payload)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("schema", "header", "event", "ts", "uuid", "token", "type", "action", "open_message_id"),
            json_values,
        ),
    )
)
def test_no_json_can_break_the_reading(value):
    payload = json.dumps(value).encode()
    try:
        key = parse(payload).dedupe_key
    except EnvelopeError:
        return
    assert key.isprintable()
    assert len(key) <= 200


def test_challenge_that_is_a_number_is_echoed_as_one_writes_it():
    assert challenge_of(decode(b'{"type":"url_verification","challenge":12,"token":"t"}')) == Challenge(
        "12", "t"
    )


def test_a_challenge_is_found():
    payload = b'{"challenge":"6f1c","token":"vtok","type":"url_verification"}'
    challenge = challenge_of(decode(payload))
    assert challenge == Challenge("6f1c", "vtok")
    assert "vtok" not in repr(challenge)


@pytest.mark.parametrize("payload", [v2(), v1(), b'{"type":"url_verification"}', b'{"challenge":"c"}'])
def test_what_is_no_challenge_is_none(payload):
    assert challenge_of(decode(payload)) is None


@pytest.mark.parametrize(
    ("payload", "token"),
    [(v2(), "vtok"), (v1(), "vtok"), (b'{"header":{},"token":"vtok"}', ""), (b'{"token":null}', "")],
)
def test_verification_token_is_read_where_the_schema_puts_it(payload, token):
    assert decode(payload).verification_token == token


def test_encrypted_body_is_recognised():
    assert decode(b'{"encrypt":"AAAA"}').encrypt == "AAAA"
    assert decode(v2()).encrypt is None


BUTTON = {"value": {"action": "approve", "once": True}, "tag": "button"}


def test_click_is_read_with_its_envelope_in_both_shapes():
    event = {"action": BUTTON, "context": {"open_message_id": "om_1"}, "token": "c-1"}
    old = {"action": BUTTON, "open_message_id": "om_1", "token": "c-1"}
    click = parse(v2(event, event_type="card.action.trigger")).click
    assert click == parse(json.dumps(old).encode()).click
    assert click.action == "approve"
    assert click.single_use_key
    assert parse(v2(event)).click == NO_CLICK
