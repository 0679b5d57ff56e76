import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.blanking import without_any_token, without_token
from feishu.envelope import parse

TOKEN = "verification-token"


@pytest.mark.parametrize(
    ("payload", "blanked"),
    [
        (b'{"header": {"token":"verification-token"} }', b'{"header": {"token":""} }'),
        (b'{"uuid":"u","token" : "verification-token", "x": 1.10}', b'{"uuid":"u","token" : "", "x": 1.10}'),
        (b'{"header":{"token":"verification\\u002dtoken"}}', b'{"header":{"token":""}}'),
    ],
)
def test_token_is_blanked_and_nothing_else(payload, blanked):
    assert without_token(payload, TOKEN) == blanked


def test_short_token_is_blanked_in_its_own_place_only():
    payload = json.dumps({"header": {"token": "text"}, "event": {"message_type": "text"}}).encode()
    assert json.loads(without_token(payload, "text")) == {
        "header": {"token": ""},
        "event": {"message_type": "text"},
    }


def test_payload_without_a_token_stays_as_it_is():
    assert without_token(b'{ "token":"c-1" }', "") == b'{ "token":"c-1" }'


@pytest.mark.parametrize(
    "payload",
    [
        b'{"challenge":"c","token":"verification-token","type":"url_verification"}',
        b'{"header":{"token":"verification-token"},"token":"verification-token-2"}',
        b'{"header":{"token":"verification-token","event_type":7}}',
        b'{"header":7,"token":"verification-token"}',
        b'{"token":"verification-token","event":',
        b'{"token" :  "verification-token"\xff}',
        b"[" * 100_000 + b'{"token":"verification-token"}',
    ],
)
def test_token_is_blanked_in_what_is_no_event(payload):
    assert TOKEN.encode() not in without_any_token(payload)


@given(st.binary())
def test_anything_can_be_blanked(payload):
    without_any_token(payload)
    without_any_token(b'{"token":"' + payload + b'"}')


@given(st.text(min_size=1, max_size=40), st.booleans())
def test_event_is_the_same_but_for_its_token(token, escaped):
    event = {
        "schema": "2.0",
        "header": {"event_type": "x", "event_id": "e", "token": token},
        "event": {"a": 1},
    }
    payload = json.dumps(event, ensure_ascii=escaped).encode("utf-8", "replace")
    found = parse(without_token(payload, parse(payload).token))
    assert (found.token, found.event_id) == ("", "e")


@pytest.mark.parametrize("start", [b'"token"', b'"token" ', b'"token":"', b'"token" : "a'])
def test_long_text_takes_linear_time(start):
    payload = b"{" + start * (1_000_000 // len(start))
    began = time.perf_counter()
    without_any_token(payload)
    assert time.perf_counter() - began < 5
