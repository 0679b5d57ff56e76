import gzip
import hashlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.ingress.webhook.refusals import (
    BAD_SIGNATURE,
    BAD_TIMESTAMP,
    ENCRYPTED_BODY,
    NO_SIGNATURE,
    OLD_SIGNATURE,
    PLAIN_BODY,
    REWRITTEN_BODY,
    TOO_OLD,
    UNPROTECTED,
    UNREADABLE_BODY,
    WRONG_APP,
    WRONG_TOKEN,
    Refused,
)
from events.ingress.webhook.verification import Push, Secrets, Signature
from feishu.envelope import Challenge
from tests.anything import UNREADABLE
from tests.events.ingress.webhook.proofs import (
    CHALLENGE,
    KEY,
    KEY_ALONE,
    KEY_AND_TOKEN,
    NOW,
    OLD_CARD,
    OLD_SCHEMA,
    TOKEN,
    TOKEN_ALONE,
    UNSIGNED,
    by_key,
    compact,
    look_at,
    opened,
    refusal,
    sealed,
    signed,
    signed_card,
)
from tests.factories import click_event, message_event

# --- the challenge


@pytest.mark.parametrize("secrets", [KEY_AND_TOKEN, KEY_ALONE])
def test_encrypted_challenge_needs_no_signature(secrets):
    found = look_at(sealed(compact(CHALLENGE)), signature=UNSIGNED, secrets=secrets)
    assert found == Challenge("6f1c2b0e-demo", TOKEN)


def test_plain_challenge_is_accepted_by_its_token():
    assert look_at(compact(CHALLENGE), signature=UNSIGNED, secrets=TOKEN_ALONE) == Challenge(
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
    pushed = look_at(body, signature=signed(body), secrets=KEY_AND_TOKEN)
    assert pushed.envelope.event_id == "e1"


@pytest.mark.parametrize("payload", [b"not json", compact({"schema": "2.0", "header": {"event_type": 7}})])
def test_what_has_no_envelope_is_kept_without_one(payload):
    body = sealed(payload)
    assert look_at(body, signature=signed(body), secrets=KEY_ALONE) == Push(
        payload, None, (by_key(is_next=False),)
    )


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


HOURS = 3600


@pytest.mark.parametrize(
    ("event", "age", "accepted"),
    [
        (message_event(), 7.9 * HOURS, True),
        (message_event(), 8.1 * HOURS, False),
        (message_event(), -0.9 * HOURS, True),
        (message_event(), -1.1 * HOURS, False),
        (click_event(value={}), 290, True),
        (click_event(value={}), 310, False),
        (click_event(value={}), -310, False),
        (OLD_CARD, 310, False),
    ],
)
def test_recorded_request_is_refused_by_its_age(event, age, accepted):
    body = sealed(compact(event))
    signature = signed(body, timestamp=str(int(NOW - age)))
    if accepted:
        assert opened(body, signature, KEY_ALONE) == compact(event)
    else:
        assert refusal(body, signature, KEY_ALONE) == TOO_OLD


def test_unreadable_request_is_refused_by_its_age():
    body = sealed(b"not json")
    assert refusal(body, signed(body, timestamp="1"), KEY_ALONE) == TOO_OLD


@pytest.mark.parametrize(
    "timestamp", ["", "yesterday", "-1", "1e9", "1700000000.", ".5", "١٧٠٠٠٠٠٠٠٠", "9" * 5000]
)
def test_timestamp_that_is_no_time_is_refused(timestamp):
    body = sealed(compact(message_event()))
    assert refusal(body, signed(body, timestamp=timestamp), KEY_ALONE) == BAD_TIMESTAMP


@pytest.mark.parametrize(
    "timestamp", ["1700000000", "1700000000.25", "1700000000123", "1700000000123456", "1700000000123456789"]
)
def test_timestamp_may_be_in_any_unit(timestamp):
    body = sealed(compact(message_event()))
    assert opened(body, signed(body, timestamp=timestamp), KEY_ALONE)


def test_old_card_callback_of_a_bot_without_a_key_has_an_age_too():
    body = compact(OLD_CARD)
    with pytest.raises(Refused) as refused:
        look_at(body, signature=signed_card(body), secrets=TOKEN_ALONE, now=NOW + 310)
    assert refused.value.refusal == TOO_OLD


@pytest.mark.parametrize("event", [message_event(), click_event(value={}), message_event() | {"event": {}}])
def test_event_of_another_app_is_refused(event):
    event = event | {"header": event["header"] | {"app_id": "cli_00000000000000ff"}}
    body = sealed(compact(event))
    assert refusal(body, signed(body), KEY_AND_TOKEN) == WRONG_APP
    assert refusal(compact(event), UNSIGNED, TOKEN_ALONE) == WRONG_APP


def test_old_event_of_another_app_is_refused():
    body = compact(OLD_SCHEMA | {"event": {"type": "approval_instance", "app_id": "cli_00000000000000ff"}})
    assert refusal(body, UNSIGNED, TOKEN_ALONE) == WRONG_APP


# --- what something in between has done


def test_body_that_was_rewritten_is_told_from_a_wrong_key():
    body = sealed(compact(message_event()))
    rewritten = json.dumps(json.loads(body), indent=4).encode()
    assert refusal(rewritten, signed(body), KEY_AND_TOKEN) == REWRITTEN_BODY
    assert refusal(body, UNSIGNED, KEY_AND_TOKEN) == NO_SIGNATURE
    assert "Encrypt Key is right" in REWRITTEN_BODY.cure.en_us
    assert refusal(sealed(compact(message_event()), "wrong"), signed(body), KEY_AND_TOKEN) == BAD_SIGNATURE


@pytest.mark.parametrize(
    "rewrite",
    [
        gzip.compress,
        lambda body: b"payload=" + body,
        lambda body: body[:-1],
        lambda _body: b"",
        lambda _body: b"[1]",
    ],
    ids=["compressed", "form", "cut", "empty", "list"],
)
@pytest.mark.parametrize("secrets", [KEY_AND_TOKEN, TOKEN_ALONE])
def test_body_that_is_no_json_any_more_is_not_called_unencrypted(rewrite, secrets):
    body = sealed(compact(message_event()))
    assert refusal(rewrite(body), signed(body), secrets) == UNREADABLE_BODY


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
    found = refusal(body, Signature(**(whole | missing)), KEY_AND_TOKEN)
    assert found == (NO_SIGNATURE if missing == {"value": ""} else REWRITTEN_BODY)


@given(st.data())
def test_event_tampered_with_in_any_place_is_refused(data):
    body = sealed(compact(message_event()))
    signature = signed(body)
    place = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != body[place]))
    tampered = body[:place] + bytes([other]) + body[place + 1 :]
    assert refusal(tampered, signature, KEY_AND_TOKEN) in {
        BAD_SIGNATURE,
        PLAIN_BODY,
        REWRITTEN_BODY,
        UNREADABLE_BODY,
    }


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


@pytest.mark.parametrize(
    "event", [message_event(), OLD_SCHEMA, {"header": {"token": TOKEN}}, {"token": TOKEN}]
)
def test_plain_event_is_accepted_by_its_token_readable_or_not(event):
    body = compact(event)
    assert opened(body, signature=UNSIGNED, secrets=TOKEN_ALONE) == body


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("secrets", [KEY_AND_TOKEN, TOKEN_ALONE])
def test_what_is_no_json_object_is_refused(body, secrets):
    assert refusal(body, UNSIGNED, secrets) == UNREADABLE_BODY


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
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


def test_old_card_callback_is_verified_by_the_token_where_there_is_no_key():
    body = compact(OLD_CARD)
    assert opened(body, signature=signed_card(body), secrets=TOKEN_ALONE) == body


@pytest.mark.parametrize("signature", [UNSIGNED, signed_card(compact(OLD_CARD), "another")])
def test_old_card_callback_without_its_signature_is_refused(signature):
    assert refusal(compact(OLD_CARD), signature, TOKEN_ALONE) == BAD_SIGNATURE


@pytest.mark.parametrize("secrets", [KEY_ALONE, KEY_AND_TOKEN])
@pytest.mark.parametrize("sign", [signed, signed_card])
@pytest.mark.parametrize("content", [OLD_CARD, message_event(), click_event(value={}), CHALLENGE, {}])
def test_plain_body_is_refused_where_there_is_a_key_however_it_is_signed(content, sign, secrets):
    body = compact(content)
    assert refusal(body, sign(body), secrets) == PLAIN_BODY


def test_old_card_callback_may_be_encrypted_and_signed_as_events_are():
    body = sealed(compact(OLD_CARD))
    assert opened(body, signature=signed(body), secrets=KEY_AND_TOKEN) == compact(OLD_CARD)


@pytest.mark.parametrize("content", [OLD_CARD, message_event(), click_event(value={})])
def test_signature_by_the_token_is_refused_where_there_is_a_key(content):
    body = sealed(compact(content))
    assert refusal(body, signed_card(body), KEY_AND_TOKEN) == OLD_SIGNATURE


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
