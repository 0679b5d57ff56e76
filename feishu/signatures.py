"""Who really sent a webhook request.

Events and new card callbacks are signed with the Encrypt Key (page "Encrypt Key encryption configuration"),
the old card callback with the Verification Token (SDK: `lark_oapi/card/action_handler.py`).
"""

import hashlib
import hmac


def event_signature(timestamp: str, nonce: str, encrypt_key: str, body: bytes) -> str:
    """Lower-case hex of `X-Lark-Signature` for an event; `body` exactly as received, encrypted or not."""
    return hashlib.sha256(_bytes(timestamp + nonce + encrypt_key) + body).hexdigest()


def card_signature(timestamp: str, nonce: str, verification_token: str, body: bytes) -> str:
    """Lower-case hex of `X-Lark-Signature` for the old card callback (card.action.trigger_v1)."""
    return hashlib.sha1(_bytes(timestamp + nonce + verification_token) + body).hexdigest()  # noqa: S324 - the platform's choice


def verify_event(signature: str, *, timestamp: str, nonce: str, encrypt_key: str, body: bytes) -> bool:
    """Whether the sender knew the Encrypt Key. Constant time; False without a signature or a key."""
    return bool(encrypt_key) and _equal(signature, event_signature(timestamp, nonce, encrypt_key, body))


def verify_card(signature: str, *, timestamp: str, nonce: str, verification_token: str, body: bytes) -> bool:
    """Whether the sender knew the Verification Token. Constant time; False without a signature or a token."""
    return bool(verification_token) and _equal(
        signature, card_signature(timestamp, nonce, verification_token, body)
    )


def verify_token(token: str, expected: str) -> bool:
    """Whether the Verification Token in a body is ours: all that proves origin where no Encrypt Key is set."""
    return bool(expected) and _equal(token, expected)


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(_bytes(given), _bytes(expected))


def _bytes(text: str) -> bytes:
    """UTF-8; what a sender put into a header need not be text."""
    return text.encode("utf-8", "replace")
