"""While a secret is replaced, the current and the next one prove a request alike."""

import pytest

from events.ingress.webhook.refusals import (
    BAD_SIGNATURE,
    OLD_SIGNATURE,
    PLAIN_BODY,
)
from events.ingress.webhook.verification import Secrets
from tests.events.ingress.webhook.proofs import (
    CHALLENGE,
    KEY,
    OLD_CARD,
    OLD_SCHEMA,
    TOKEN,
    UNSIGNED,
    by_key,
    by_token,
    compact,
    look_at,
    refusal,
    sealed,
    signed,
    signed_card,
)
from tests.factories import message_event

ROTATING = Secrets(KEY, TOKEN, "next key", "next-token")


@pytest.mark.parametrize(("key", "by_next_key"), [(KEY, False), ("next key", True)])
@pytest.mark.parametrize(("token", "by_next_token"), [(TOKEN, False), ("next-token", True)])
def test_both_secrets_are_valid_while_they_are_replaced(key, token, by_next_key, by_next_token):
    event = message_event()
    body = sealed(compact(event | {"header": event["header"] | {"token": token}}), key)
    pushed = look_at(body, signature=signed(body, key), secrets=ROTATING)
    assert pushed.proofs == (by_key(is_next=by_next_key), by_token(is_next=by_next_token))
    challenge = sealed(compact(CHALLENGE | {"token": token}), key)
    assert look_at(challenge, signature=UNSIGNED, secrets=ROTATING).challenge == CHALLENGE["challenge"]


def test_next_token_alone_is_valid_where_there_is_no_key():
    body = compact(message_event())
    for current in ("", "old"):
        pushed = look_at(body, signature=UNSIGNED, secrets=Secrets("", current, "", TOKEN))
        assert pushed.proofs == (by_token(is_next=True),)


@pytest.mark.parametrize(("token", "proofs"), [("unknown", 1), (TOKEN, 2)])
def test_next_token_beside_none_does_not_shut_out_what_is_sent_today(token, proofs):
    event = message_event()
    body = sealed(compact(event | {"header": event["header"] | {"token": token}}))
    pushed = look_at(body, signature=signed(body), secrets=Secrets(KEY, "", "", TOKEN))
    assert len(pushed.proofs) == proofs


@pytest.mark.parametrize("key", [KEY, "next key"])
@pytest.mark.parametrize("token", [TOKEN, "next-token"])
def test_old_card_callback_is_refused_with_either_token_where_there_is_a_key(key, token):
    plain = compact(OLD_CARD)
    assert refusal(plain, signed_card(plain, token), ROTATING) == PLAIN_BODY
    body = sealed(plain, key)
    assert refusal(body, signed_card(body, token), ROTATING) == OLD_SIGNATURE


def test_plain_body_is_refused_with_either_token_where_there_is_a_key():
    for token in (TOKEN, "next-token"):
        body = compact(OLD_SCHEMA | {"token": token})
        assert refusal(body, UNSIGNED, ROTATING) == PLAIN_BODY
        assert refusal(body, signed(body, "next key"), ROTATING) == PLAIN_BODY


def test_next_key_beside_none_does_not_shut_out_what_is_sent_today():
    secrets = Secrets("", TOKEN, KEY, "")
    plain, body = compact(message_event()), sealed(compact(message_event()))
    assert look_at(plain, signature=UNSIGNED, secrets=secrets).proofs == (by_token(is_next=False),)
    pushed = look_at(body, signature=signed(body), secrets=secrets)
    assert pushed.proofs == (by_key(is_next=True), by_token(is_next=False))


def test_third_key_is_refused():
    body = sealed(compact(message_event()), "third")
    assert refusal(body, signed(body, "third"), ROTATING) == BAD_SIGNATURE
