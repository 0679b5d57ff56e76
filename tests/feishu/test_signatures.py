import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.signatures import card_signature, event_signature, verify_card, verify_event, verify_token

EVENT = "e5fc132c5e0793826f0060639bebbc42480986cc8a44950838c9587939a3c71a"
CARD = "dc37216f25853a268e4329d8855b39ee92363cd4"


def test_an_event_is_signed_with_the_encrypt_key():
    assert event_signature("1700000000", "n0nce-1", "test key", b'{"encrypt":"AAAA"}') == EVENT


def test_an_old_card_callback_is_signed_with_the_verification_token():
    assert card_signature("1700000000", "n0nce-1", "vtoken", b'{"a":1}') == CARD


def verify(signature: str = EVENT, **changed) -> bool:
    fields = {"timestamp": "1700000000", "nonce": "n0nce-1", "encrypt_key": "test key"}
    return verify_event(signature, **{**fields, "body": b'{"encrypt":"AAAA"}', **changed})


def test_a_right_signature_is_accepted():
    assert verify()
    assert verify_card(
        CARD, timestamp="1700000000", nonce="n0nce-1", verification_token="vtoken", body=b'{"a":1}'
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"signature": ""},
        {"signature": EVENT.upper()},
        {"signature": "签名"},
        {"signature": "\udce4"},
        {"timestamp": "\udce4"},
        {"timestamp": "1700000001"},
        {"nonce": ""},
        {"encrypt_key": "other"},
        {"body": b'{"encrypt": "AAAA"}'},
    ],
)
def test_anything_changed_is_refused(changed):
    assert not verify(**changed)


def test_without_a_key_nothing_is_accepted():
    assert not verify(event_signature("1700000000", "n0nce-1", "", b"{}"), encrypt_key="", body=b"{}")
    signature = card_signature("1", "n", "", b"{}")
    assert not verify_card(signature, timestamp="1", nonce="n", verification_token="", body=b"{}")
    assert not verify_token("", "")


def test_the_verification_token_is_compared_whole():
    assert verify_token("vtok", "vtok")
    assert not verify_token("vto", "vtok")
    assert not verify_token("", "vtok")


@given(st.text("0123456789", min_size=1), st.text(st.characters(exclude_categories=["Cs"])), st.binary())
def test_the_official_sdk_accepts_our_signatures(sdk, timestamp, nonce, body):
    handler = sdk.EventDispatcherHandler.builder("test key", "").build()
    request = sdk.RawRequest()
    request.body = body
    request.headers = {
        "X-Lark-Request-Timestamp": timestamp,
        "X-Lark-Request-Nonce": nonce,
        "X-Lark-Signature": event_signature(timestamp, nonce, "test key", body),
    }
    handler._verify_sign(request, "test key")
