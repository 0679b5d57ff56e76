"""Requests as the platform proves them, and the look that is taken at them."""

import json

import pytest

from bots.enums import WebhookSecret
from events.ingress.webhook.refusals import (
    Refused,
)
from events.ingress.webhook.verification import Proof, Push, Secrets, Signature, examine
from feishu.encryption import encrypt
from feishu.signatures import card_signature, event_signature

KEY, TOKEN = "test key", "verification-token"
KEY_AND_TOKEN, KEY_ALONE = Secrets(KEY, TOKEN), Secrets(KEY, "")
TOKEN_ALONE = Secrets("", TOKEN)
APP_ID, NOW = "cli_0000000000000001", 1_700_000_000.0
UNSIGNED = Signature("", "", "")
CHALLENGE = {"challenge": "6f1c2b0e-demo", "token": TOKEN, "type": "url_verification"}
OLD_CARD = {
    "open_id": "ou_1",
    "open_message_id": "om_1",
    "tenant_key": "tenant",
    "token": "c-0123456789abcdef",
    "action": {"value": {"action": "approve"}, "tag": "button"},
}

OLD_SCHEMA = {"uuid": "u", "token": TOKEN, "type": "event_callback", "event": {"type": "approval_instance"}}


def compact(value) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def sealed(payload: bytes, key: str = KEY) -> bytes:
    return compact({"encrypt": encrypt(key, payload)})


def signed(body: bytes, key: str = KEY, timestamp: str = "1700000000") -> Signature:
    return Signature(event_signature(timestamp, "n0nce-1", key, body), timestamp, "n0nce-1")


def signed_card(body: bytes, token: str = TOKEN) -> Signature:
    return Signature(card_signature("1700000000", "n0nce-1", token, body), "1700000000", "n0nce-1")


def look_at(body: bytes, *, signature: Signature, secrets: Secrets, now: float = NOW):
    return examine(body, signature=signature, secrets=secrets, app_id=APP_ID, now=now)


def opened(body: bytes, signature: Signature, secrets: Secrets) -> bytes:
    """The payload of what is accepted as the platform's."""
    pushed = look_at(body, signature=signature, secrets=secrets)
    assert isinstance(pushed, Push)
    return pushed.payload


def refusal(body: bytes, signature: Signature, secrets: Secrets):
    with pytest.raises(Refused) as refused:
        look_at(body, signature=signature, secrets=secrets)
    return refused.value.refusal


def by_key(*, is_next: bool) -> Proof:
    return Proof(WebhookSecret.ENCRYPT_KEY, is_next)


def by_token(*, is_next: bool) -> Proof:
    return Proof(WebhookSecret.VERIFICATION_TOKEN, is_next)
