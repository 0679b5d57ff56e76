import hashlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.ingress.webhook.refusals import (
    BAD_SIGNATURE,
    ENCRYPTED_BODY,
    PLAIN_BODY,
    UNPROTECTED,
    WRONG_TOKEN,
    Refused,
)
from events.ingress.webhook.verification import Push, Secrets, Signature, examine
from feishu.encryption import encrypt
from feishu.envelope import Challenge
from feishu.signatures import card_signature, event_signature
from tests.anything import UNREADABLE
from tests.factories import click_event, message_event

KEY, TOKEN = "test key", "verification-token"
KEY_AND_TOKEN, KEY_ALONE = Secrets(KEY, TOKEN), Secrets(KEY, "")
TOKEN_ALONE = Secrets("", TOKEN)
UNSIGNED = Signature("", "", "")
CHALLENGE = {"challenge": "6f1c2b0e-demo", "token": TOKEN, "type": "url_verification"}
OLD_CARD = {
    "open_id": "ou_1",
    "open_message_id": "om_1",
    "tenant_key": "tenant",
    "token": "c-0123456789abcdef",
    "action": {"value": {"action": "approve"}, "tag": "button"},
}


def compact(value) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def sealed(payload: bytes, key: str = KEY) -> bytes:
    return compact({"encrypt": encrypt(key, payload)})


def signed(body: bytes, key: str = KEY, timestamp: str = "1700000000") -> Signature:
    return Signature(event_signature(timestamp, "n0nce-1", key, body), timestamp, "n0nce-1")


def signed_card(body: bytes, token: str = TOKEN) -> Signature:
    return Signature(card_signature("1700000000", "n0nce-1", token, body), "1700000000", "n0nce-1")


def opened(body: bytes, signature: Signature, secrets: Secrets) -> bytes:
    """The payload of what is accepted as the platform's."""
    pushed = examine(body, signature=signature, secrets=secrets)
    assert isinstance(pushed, Push)
    return pushed.payload


def refusal(body: bytes, signature: Signature, secrets: Secrets):
    with pytest.raises(Refused) as refused:
        examine(body, signature=signature, secrets=secrets)
    return refused.value.refusal


# --- the challenge


@pytest.mark.parametrize("secrets", [KEY_AND_TOKEN, KEY_ALONE])
def test_encrypted_challenge_needs_no_signature(secrets):
    found = examine(sealed(compact(CHALLENGE)), signature=UNSIGNED, secrets=secrets)
    assert found == Challenge("6f1c2b0e-demo", TOKEN)


def test_plain_challenge_is_accepted_by_its_token():
    assert examine(compact(CHALLENGE), signature=UNSIGNED, secrets=TOKEN_ALONE) == Challenge(
        "6f1c2b0e-demo", TOKEN
    )


def test_challenge_with_another_token_is_refused():
    body = compact(CHALLENGE | {"token": "another"})
    assert refusal(body, UNSIGNED, TOKEN_ALONE) == WRONG_TOKEN
    assert refusal(sealed(body), UNSIGNED, KEY_AND_TOKEN) == WRONG_TOKEN


def test_challenge_encrypted_with_another_key_is_refused():
    assert refusal(sealed(compact(CHALLENGE), "another key"), UNSIGNED, KEY_AND_TOKEN) == BAD_SIGNATURE


def test_plain_challenge_is_refused_where_an_encrypt_key_is_set():
    assert refusal(compact(CHALLENGE), UNSIGNED, KEY_AND_TOKEN) == PLAIN_BODY


# --- events


@pytest.mark.parametrize("secrets", [KEY_AND_TOKEN, KEY_ALONE])
@pytest.mark.parametrize("event", [message_event(), click_event(value={})])
def test_encrypted_and_signed_event_is_opened(secrets, event):
    payload = compact(event)
    body = sealed(payload)
    assert opened(body, signature=signed(body), secrets=secrets) == payload


def test_envelope_is_read_once_for_verification_and_intake():
    body = sealed(compact(message_event(event_id="e1")))
    pushed = examine(body, signature=signed(body), secrets=KEY_AND_TOKEN)
    assert pushed.envelope.event_id == "e1"


@pytest.mark.parametrize("payload", [b"not json", compact({"schema": "2.0", "header": {"event_type": 7}})])
def test_what_has_no_envelope_is_kept_without_one(payload):
    body = sealed(payload)
    assert examine(body, signature=signed(body), secrets=KEY_ALONE) == Push(payload, None)


def test_signature_is_the_documented_one():
    body = b'{"encrypt":"AAAA"}'
    signature = Signature(
        "e5fc132c5e0793826f0060639bebbc42480986cc8a44950838c9587939a3c71a", "1700000000", "n0nce-1"
    )
    # Authentic, though nothing that can be decrypted: kept as it came.
    assert opened(body, signature=signature, secrets=KEY_ALONE) == body


def test_ciphertext_is_the_documented_one():
    body = b'{"encrypt":"P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="}'
    assert opened(body, signature=signed(body), secrets=KEY_AND_TOKEN) == b"hello world"


def test_event_of_any_age_is_accepted():
    payload = compact(message_event())
    body = sealed(payload)
    assert opened(body, signature=signed(body, timestamp="1"), secrets=KEY_ALONE) == payload


@pytest.mark.parametrize(
    "missing",
    [
        {"value": ""},
        {"timestamp": ""},
        {"nonce": ""},
        {"value": "é"},
        {"value": hashlib.sha256(b"").hexdigest()},
    ],
)
def test_event_whose_signature_is_incomplete_or_wrong_is_refused(missing):
    body = sealed(compact(message_event()))
    good = signed(body)
    whole = {"value": good.value, "timestamp": good.timestamp, "nonce": good.nonce}
    assert refusal(body, Signature(**(whole | missing)), KEY_AND_TOKEN) == BAD_SIGNATURE


@given(st.data())
def test_event_tampered_with_in_any_place_is_refused(data):
    body = sealed(compact(message_event()))
    signature = signed(body)
    place = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != body[place]))
    tampered = body[:place] + bytes([other]) + body[place + 1 :]
    assert refusal(tampered, signature, KEY_AND_TOKEN) in {BAD_SIGNATURE, PLAIN_BODY}


def test_signed_event_with_another_token_is_refused():
    body = sealed(compact(message_event()))
    assert refusal(body, signed(body), Secrets(KEY, "another")) == WRONG_TOKEN


@pytest.mark.parametrize("payload", [*(text.encode() for text in UNREADABLE), b"\xff"])
def test_signed_event_that_cannot_be_read_is_kept(payload):
    body = sealed(payload)
    assert opened(body, signature=signed(body), secrets=KEY_AND_TOKEN) == payload


def test_plain_event_is_refused_where_an_encrypt_key_is_set_even_with_token_and_signature():
    body = compact(message_event())
    assert refusal(body, signed(body), KEY_AND_TOKEN) == PLAIN_BODY


def test_encrypted_event_is_refused_where_no_encrypt_key_is_set():
    body = sealed(compact(message_event()))
    assert refusal(body, signed(body), TOKEN_ALONE) == ENCRYPTED_BODY


OLD_SCHEMA = {"uuid": "u", "token": TOKEN, "type": "event_callback", "event": {"type": "approval_instance"}}


@pytest.mark.parametrize(
    "event", [message_event(), OLD_SCHEMA, {"header": {"token": TOKEN}}, {"token": TOKEN}]
)
def test_plain_event_is_accepted_by_its_token_readable_or_not(event):
    body = compact(event)
    assert opened(body, signature=UNSIGNED, secrets=TOKEN_ALONE) == body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        compact({"header": {"token": "another"}, "token": TOKEN}),
        compact({"header": {}, "token": TOKEN}),
        compact({"token": None}),
        compact({"token": [TOKEN]}),
        compact({"token": TOKEN.upper()}),
        compact({"token": "验证"}),
    ],
)
def test_plain_body_without_the_token_is_refused(body):
    assert refusal(body, UNSIGNED, TOKEN_ALONE) == WRONG_TOKEN


@pytest.mark.parametrize(
    "body",
    [compact(CHALLENGE), compact(message_event()), sealed(b"{}"), b""],
    ids=["challenge", "event", "sealed", "empty"],
)
def test_bot_without_key_and_token_hears_nothing(body):
    assert refusal(body, UNSIGNED, Secrets("", "")) == UNPROTECTED


# --- the card callback of old


@pytest.mark.parametrize("secrets", [TOKEN_ALONE, KEY_AND_TOKEN])
def test_old_card_callback_is_verified_by_the_token(secrets):
    body = compact(OLD_CARD)
    assert opened(body, signature=signed_card(body), secrets=secrets) == body


@pytest.mark.parametrize("signature", [UNSIGNED, signed_card(compact(OLD_CARD), "another")])
def test_old_card_callback_without_its_signature_is_refused(signature):
    assert refusal(compact(OLD_CARD), signature, KEY_AND_TOKEN) == BAD_SIGNATURE


def test_old_card_callback_cannot_be_verified_without_a_token():
    body = compact(OLD_CARD)
    assert refusal(body, signed_card(body, ""), KEY_ALONE) == PLAIN_BODY


@pytest.mark.parametrize("sign", [signed, signed_card])
def test_old_card_callback_may_be_encrypted(sign):
    body = sealed(compact(OLD_CARD))
    assert opened(body, signature=sign(body), secrets=KEY_AND_TOKEN) == compact(OLD_CARD)


def test_signature_of_a_card_does_not_open_the_door_for_an_event():
    body = sealed(compact(message_event()))
    assert refusal(body, signed_card(body), KEY_AND_TOKEN) == BAD_SIGNATURE


# --- anything at all


@given(
    body=st.binary()
    | st.recursive(
        st.text() | st.none(),
        lambda inner: st.dictionaries(
            st.sampled_from(
                ["encrypt", "token", "header", "schema", "type", "challenge", "event", "action", "uuid"]
            ),
            inner,
        ),
    ).map(compact),
    headers=st.tuples(st.text(), st.text(), st.text()),
    secrets=st.sampled_from([KEY_AND_TOKEN, KEY_ALONE, TOKEN_ALONE, Secrets("", "")]),
)
def test_strangers_are_refused_whatever_they_send(body, headers, secrets):
    assert refusal(body, Signature(*headers), secrets).status == 401


SKELETONS = (
    b'{"schema":"2.0","header":{"event_type":"im.message.receive_v1"},"event":{"message":{"message_id":"%b"}}}',
    b'{"schema":"2.0","header":{"event_type":"card.action.trigger"},"event":{"token":"%b"}}',
    b'{"uuid":"u","event":{"type":"%b"}}',
    b'{"action":{},"token":"%b","open_message_id":"om_1"}',
    b'{"encrypt":"%b"}',
    b'{"token":"%b"}',
)


@given(
    skeleton=st.sampled_from(SKELETONS),
    filling=st.binary(),
    secrets=st.sampled_from([KEY_AND_TOKEN, TOKEN_ALONE]),
)
@example(skeleton=SKELETONS[0], filling=b"\xff", secrets=TOKEN_ALONE)
def test_strangers_are_refused_whatever_bytes_they_fill_in(skeleton, filling, secrets):
    assert refusal(skeleton % filling, UNSIGNED, secrets).status == 401


def test_secrets_are_not_in_the_repr():
    assert KEY not in repr(KEY_AND_TOKEN)
    assert TOKEN not in repr(KEY_AND_TOKEN)
