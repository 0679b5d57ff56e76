"""Signatures of pushed events: the symmetric scheme of the Standard Webhooks specification, version 1.0.0
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from secrets import token_bytes

PREFIX = "whsec_"
SECRET_BYTES = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    """A secret in the form that receivers' libraries expect: ``whsec_`` and base64."""
    return PREFIX + base64.b64encode(token_bytes(SECRET_BYTES)).decode()


def signed_headers(
    *, message_id: str, timestamp: int, payload: bytes, secrets: Iterable[str]
) -> dict[str, str]:
    """The three headers of one attempt. ``timestamp`` is the attempt's, in Unix seconds. There is a signature for each
    secret, so that a receiver can be given a new one while the old one is still valid. Raises ValueError for a secret
    that is not base64."""
    content = b".".join((message_id.encode(), str(timestamp).encode(), payload))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{_signature(content, secret)}" for secret in secrets),
    }


def _signature(content: bytes, secret: str) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("The signing secret is not base64.") from None
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
