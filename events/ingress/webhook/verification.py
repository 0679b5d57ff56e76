"""Whether a webhook request comes from the platform, and what it says. Pure: bytes and secrets in, a push out.

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
from feishu.envelope import Challenge, Content, Envelope, challenge_of, decode, envelope_of
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


@dataclass(frozen=True, slots=True)
class Push:
    """What the platform pushed, decrypted; ``envelope`` is None where none can be read."""

    payload: bytes
    envelope: Envelope | None


class _Header(msgspec.Struct):
    token: str = ""


class _Proof(msgspec.Struct):
    """The little of a body that its authenticity hangs on, for one whose other fields cannot be read."""

    encrypt: str | None = None
    header: _Header | None = None
    token: str = ""


_proof = msgspec.json.Decoder(_Proof)
# Deep nesting and text that is no UTF-8 are not wrapped by msgspec.
_UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def examine(body: bytes, *, signature: Signature, secrets: Secrets) -> Challenge | Push:
    """The challenge to return, or what to store. Raises Refused when it is not the platform's."""
    if not secrets.encrypt_key and not secrets.verification_token:
        raise Refused(UNPROTECTED)
    content = _decoded(body)
    if content.encrypt is None:
        return _examine_plain(body, content, signature, secrets)
    if not secrets.encrypt_key:
        raise Refused(ENCRYPTED_BODY)
    return _examine_encrypted(body, content.encrypt, signature, secrets)


def _examine_plain(body: bytes, content: Content, signature: Signature, secrets: Secrets) -> Challenge | Push:
    envelope = _envelope(content, body)
    if secrets.verification_token and _is_old_card(envelope):
        if not _is_signed_card(body, signature, secrets):
            raise Refused(BAD_SIGNATURE)
        return Push(body, envelope)
    if secrets.encrypt_key:
        raise Refused(PLAIN_BODY)
    if not verify_token(content.verification_token, secrets.verification_token):
        raise Refused(WRONG_TOKEN)
    return challenge_of(content) or Push(body, envelope)


def _examine_encrypted(
    body: bytes, encrypted: str, signature: Signature, secrets: Secrets
) -> Challenge | Push:
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
            return Push(body, None)  # the platform's own and unreadable: kept as it came
        raise Refused(BAD_SIGNATURE) from None
    content = _decoded(payload)
    # The challenge alone comes without a signature; that it could be decrypted is its proof.
    if challenge := challenge_of(content):
        if secrets.verification_token and not verify_token(challenge.token, secrets.verification_token):
            raise Refused(WRONG_TOKEN)
        return challenge
    envelope = _envelope(content, payload)
    old_card = _is_old_card(envelope)
    if not signed and not (old_card and _is_signed_card(body, signature, secrets)):
        raise Refused(BAD_SIGNATURE)
    # The old card callback bears no Verification Token, nor does what cannot be read.
    if (
        envelope
        and not old_card
        and secrets.verification_token
        and not verify_token(content.verification_token, secrets.verification_token)
    ):
        raise Refused(WRONG_TOKEN)
    return Push(payload, envelope)


def _decoded(body: bytes) -> Content:
    """An event that cannot be read as a whole may still be authentic: then there is no more than what proves it."""
    try:
        return decode(body)
    except EnvelopeError:
        pass
    try:
        proof = _proof.decode(body)
    except _UNDECODABLE:
        return Content()
    return Content(encrypt=proof.encrypt, token=proof.header.token if proof.header else proof.token)


def _envelope(content: Content, payload: bytes) -> Envelope | None:
    try:
        return envelope_of(content, payload)
    except EnvelopeError:
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
