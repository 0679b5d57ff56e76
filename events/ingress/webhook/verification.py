"""Whether a webhook request comes from the platform, and what it says. Pure: bytes and secrets in, a verdict out.

Pages "Send notifications to developer's server" and "Encrypt Key encryption configuration"; for the old card callback
the SDK's `lark_oapi/card/action_handler.py`. A request is never refused for its age: the platform pushes again for
hours, and it is not documented whether with a new timestamp.
"""

from dataclasses import dataclass, field

import msgspec

from events.ingress.webhook.refusals import (
    BAD_SIGNATURE,
    ENCRYPTED_BODY,
    PLAIN_BODY,
    UNPROTECTED,
    WRONG_TOKEN,
    Refused,
)
from feishu.encryption import decrypt
from feishu.envelope import Challenge, Envelope, parse, parse_challenge
from feishu.errors import DecryptionError, EnvelopeError
from feishu.signatures import verify_card, verify_event, verify_token


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the platform and we know of one app; either may be empty."""

    encrypt_key: str = field(repr=False)
    verification_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signature:
    """The headers X-Lark-Signature, X-Lark-Request-Timestamp and X-Lark-Request-Nonce; empty where absent."""

    value: str
    timestamp: str
    nonce: str


class _Encrypted(msgspec.Struct):
    encrypt: str


class _Header(msgspec.Struct):
    token: str = ""


class _Tokens(msgspec.Struct):
    header: _Header | None = None
    token: str = ""


_encrypted_body = msgspec.json.Decoder(_Encrypted)
_tokens = msgspec.json.Decoder(_Tokens)
# Deep nesting and text that is no UTF-8 are not wrapped by msgspec.
_UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def examine(body: bytes, *, signature: Signature, secrets: Secrets) -> Challenge | bytes:
    """The challenge to return, or the payload to store, decrypted. Raises Refused when it is not the platform's."""
    if not secrets.encrypt_key and not secrets.verification_token:
        raise Refused(UNPROTECTED)
    encrypted = _encrypted(body)
    if encrypted is None:
        return _examine_plain(body, signature, secrets)
    if not secrets.encrypt_key:
        raise Refused(ENCRYPTED_BODY)
    return _examine_encrypted(body, encrypted, signature, secrets)


def _examine_plain(body: bytes, signature: Signature, secrets: Secrets) -> Challenge | bytes:
    if secrets.verification_token and _is_old_card(_envelope(body)):
        if not _is_signed_card(body, signature, secrets):
            raise Refused(BAD_SIGNATURE)
        return body
    if secrets.encrypt_key:
        raise Refused(PLAIN_BODY)
    if not _bears(body, secrets.verification_token):
        raise Refused(WRONG_TOKEN)
    return parse_challenge(body) or body


def _examine_encrypted(
    body: bytes, encrypted: str, signature: Signature, secrets: Secrets
) -> Challenge | bytes:
    signed = verify_event(
        signature.value,
        timestamp=signature.timestamp,
        nonce=signature.nonce,
        encrypt_key=secrets.encrypt_key,
        body=body,
    )
    try:
        payload = decrypt(secrets.encrypt_key, encrypted)
    except DecryptionError:
        if signed:
            return body  # the platform's own and unreadable: kept as it came
        raise Refused(BAD_SIGNATURE) from None
    # The challenge alone comes without a signature; that it could be decrypted is its proof.
    if challenge := parse_challenge(payload):
        if secrets.verification_token and not verify_token(challenge.token, secrets.verification_token):
            raise Refused(WRONG_TOKEN)
        return challenge
    envelope = _envelope(payload)
    old_card = _is_old_card(envelope)
    if not signed and not (old_card and _is_signed_card(body, signature, secrets)):
        raise Refused(BAD_SIGNATURE)
    # The old card callback bears no Verification Token, nor does what cannot be read.
    if (
        envelope
        and not old_card
        and secrets.verification_token
        and not _bears(payload, secrets.verification_token)
    ):
        raise Refused(WRONG_TOKEN)
    return payload


def _encrypted(body: bytes) -> str | None:
    try:
        return _encrypted_body.decode(body).encrypt
    except _UNDECODABLE:
        return None


def _envelope(payload: bytes) -> Envelope | None:
    try:
        return parse(payload)
    except (EnvelopeError, *_UNDECODABLE):
        return None


def _is_old_card(envelope: Envelope | None) -> bool:
    return envelope is not None and envelope.is_callback and envelope.schema == "1.0"


def _is_signed_card(body: bytes, signature: Signature, secrets: Secrets) -> bool:
    return verify_card(
        signature.value,
        timestamp=signature.timestamp,
        nonce=signature.nonce,
        verification_token=secrets.verification_token,
        body=body,
    )


def _bears(payload: bytes, verification_token: str) -> bool:
    """Whether the token stands in the header of schema 2.0, or at the top as in 1.0 and in a challenge.

    Read apart from the envelope: an event that cannot be read otherwise may still be authentic.
    """
    try:
        tokens = _tokens.decode(payload)
    except _UNDECODABLE:
        return False
    return verify_token(tokens.header.token if tokens.header else tokens.token, verification_token)
