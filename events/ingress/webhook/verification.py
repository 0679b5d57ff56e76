"""Whether a webhook request comes from the platform, and what it says. Pure: bytes and secrets in, a push out.

Pages "Send notifications to developer's server" and "Encrypt Key encryption configuration"; for the old card callback
the SDK's `lark_oapi/card/action_handler.py`.

With an Encrypt Key nothing weaker is accepted, whatever its shape: no plain body, no signature by the Verification Token.
A challenge alone comes without a signature; that it could be decrypted is its proof.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from bots.enums import WebhookSecret
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
    Refusal,
    Refused,
)
from feishu.encryption import decrypt
from feishu.envelope import Challenge, Content, Envelope, challenge_of, decode, envelope_of
from feishu.errors import DecryptionError, EnvelopeError
from feishu.signatures import verify_card, verify_event, verify_token

EVENT_SECONDS: Final = 8 * 3600.0
"""How old the timestamp of an event may be. The platform pushes again for 7 h 5 min, and it is not documented whether
with a new timestamp."""
CALLBACK_SECONDS: Final = 300.0
"""The same for a callback, which is pushed once and waited for: how far the clocks may be apart."""
AHEAD_SECONDS: Final = 3600.0
"""How far the timestamp of an event may lie in the future, for a portal whose clock is behind."""
_TIMESTAMP: Final = re.compile(r"[0-9]{1,19}(?:\.[0-9]{1,9})?", re.ASCII)
_SMALLER_UNIT: Final = 1e11
"""From here on a timestamp is in a unit a thousand times smaller; in practice it is in seconds, and its unit is not documented."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the platform and we know of one app; any may be empty. The next ones are valid beside the current ones while
    they are being replaced on the platform."""

    encrypt_key: str = field(repr=False)
    verification_token: str = field(repr=False)
    next_encrypt_key: str = field(default="", repr=False)
    next_verification_token: str = field(default="", repr=False)

    def proof_by_key(self, key: str) -> "Proof":
        return Proof(WebhookSecret.ENCRYPT_KEY, key != self.encrypt_key)

    def proof_by_token(self, token: str) -> "Proof":
        return Proof(WebhookSecret.VERIFICATION_TOKEN, token != self.verification_token)

    @property
    def encrypt_keys(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.encrypt_key, self.next_encrypt_key)))

    @property
    def tokens(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.verification_token, self.next_verification_token)))


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
    proofs: tuple["Proof", ...] = ()


class Proof(NamedTuple):
    """A secret that proved a request, and whether that was the next one of its kind."""

    secret: WebhookSecret
    is_next: bool


class _Header(msgspec.Struct):
    token: str = ""


class _Proof(msgspec.Struct):
    """The little of a body that its authenticity hangs on, for one whose other fields cannot be read."""

    encrypt: str | None = None
    header: _Header | None = None
    token: str = ""


_proof = msgspec.json.Decoder(_Proof)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
# Deep nesting and text that is no UTF-8 are not wrapped by msgspec.
_UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def examine(
    body: bytes, *, signature: Signature, secrets: Secrets, app_id: str, now: float
) -> Challenge | Push:
    """The challenge to return, or what to store. Raises Refused when it is not the platform's, not for the app ``app_id``,
    or too old at ``now``, in seconds since 1970."""
    if not secrets.encrypt_keys and not secrets.tokens:
        raise Refused(UNPROTECTED)
    content = _decoded(body)
    if content is None:
        raise Refused(UNREADABLE_BODY)
    if content.encrypt is None:
        pushed = _examine_plain(body, content, signature, secrets, now)
    else:
        pushed = _examine_encrypted(body, content.encrypt, signature, secrets, now)
    if isinstance(pushed, Push) and pushed.envelope and pushed.envelope.app_id not in {"", app_id}:
        raise Refused(WRONG_APP)
    return pushed


def _examine_plain(
    body: bytes, content: Content, signature: Signature, secrets: Secrets, now: float
) -> Challenge | Push:
    if secrets.encrypt_key:
        raise Refused(PLAIN_BODY)
    envelope = _envelope(content, body)
    if secrets.tokens and _is_old_card(envelope):
        token = _which(secrets.tokens, lambda token: _is_signed_card(body, signature, token))
        if token is None:
            raise Refused(BAD_SIGNATURE)
        _check_age(signature, now, CALLBACK_SECONDS)
    else:
        token = _token_of(content.verification_token, secrets)
        if challenge := challenge_of(content):
            return challenge
    return Push(body, envelope, (secrets.proof_by_token(token),))


def _examine_encrypted(
    body: bytes, encrypted: str, signature: Signature, secrets: Secrets, now: float
) -> Challenge | Push:
    if not secrets.encrypt_keys:
        raise Refused(ENCRYPTED_BODY)
    signing_key = _which(secrets.encrypt_keys, lambda key: _is_signed(body, signature, key))
    opened = _opened(encrypted, secrets.encrypt_keys if signing_key is None else (signing_key,))
    if signing_key is None:
        challenge = None if opened is None else challenge_of(_payload(opened[1]))
        if challenge is None:
            raise Refused(_why_unsigned(body, opened, signature, secrets))
        _proofs_by_token(challenge.token, secrets)
        return challenge
    proofs: tuple[Proof, ...] = (secrets.proof_by_key(signing_key),)
    if opened is None:
        _check_age(signature, now, EVENT_SECONDS)
        return Push(body, None, proofs)  # the platform's own and unreadable: kept as it came
    _key, payload = opened
    content = _payload(payload)
    if challenge := challenge_of(content):
        _proofs_by_token(challenge.token, secrets)
        return challenge
    envelope = _envelope(content, payload)
    _check_age(signature, now, CALLBACK_SECONDS if envelope and envelope.is_callback else EVENT_SECONDS)
    # The old card callback bears no Verification Token, nor does what cannot be read.
    if envelope and not _is_old_card(envelope):
        proofs += _proofs_by_token(content.verification_token, secrets)
    return Push(payload, envelope, proofs)


def _why_unsigned(
    body: bytes, opened: tuple[str, bytes] | None, signature: Signature, secrets: Secrets
) -> Refusal:
    """Why an encrypted body whose signature is none by the Encrypt Key may be refused: where it could be decrypted the key
    is right, and the operator has to look elsewhere."""
    if _which(secrets.tokens, lambda token: _is_signed_card(body, signature, token)) is not None:
        return OLD_SIGNATURE
    if opened is None or _envelope(_payload(opened[1]), opened[1]) is None:
        return BAD_SIGNATURE
    return REWRITTEN_BODY if signature.value else NO_SIGNATURE


def _opened(encrypted: str, keys: tuple[str, ...]) -> tuple[str, bytes] | None:
    """The key that opens it, and the plaintext. By chance a wrong key opens one in 256: the first whose plaintext is JSON
    is taken."""
    found: tuple[str, bytes] | None = None
    for key in keys:
        try:
            payload = decrypt(key, encrypted)
        except DecryptionError:
            continue
        if payload.lstrip().startswith(b"{"):
            return key, payload
        found = found or (key, payload)
    return found


def _which(secrets: tuple[str, ...], proves: Callable[[str], bool]) -> str | None:
    return next((secret for secret in secrets if proves(secret)), None)


def _proofs_by_token(given: str, secrets: Secrets) -> tuple[Proof, ...]:
    """What the Verification Token proves beside the Encrypt Key. A next one beside none is not asked for: the platform may
    still send another."""
    if secrets.verification_token:
        return (secrets.proof_by_token(_token_of(given, secrets)),)
    is_next = verify_token(given, secrets.next_verification_token)
    return (secrets.proof_by_token(secrets.next_verification_token),) if is_next else ()


def _token_of(given: str, secrets: Secrets) -> str:
    token = _which(secrets.tokens, lambda token: verify_token(given, token))
    if token is None:
        raise Refused(WRONG_TOKEN)
    return token


def _check_age(signature: Signature, now: float, seconds: float) -> None:
    """The timestamp is part of what was signed."""
    if not _TIMESTAMP.fullmatch(signature.timestamp):
        raise Refused(BAD_TIMESTAMP)
    sent = float(signature.timestamp)
    while sent >= _SMALLER_UNIT:
        sent /= 1000
    age = now - sent
    if not -min(seconds, AHEAD_SECONDS) <= age <= seconds:
        raise Refused(TOO_OLD)


def _payload(decrypted: bytes) -> Content:
    """What is read of a decrypted payload; nothing of one that is no JSON object, which may be the platform's all the same."""
    return _decoded(decrypted) or Content()


def _decoded(body: bytes) -> Content | None:
    """An event that cannot be read as a whole may still be authentic: then there is no more than what proves it. None for
    what is no JSON object."""
    try:
        return decode(body)
    except EnvelopeError:
        pass
    try:
        proof = _proof.decode(body)
    except _UNDECODABLE:
        return Content() if _is_object(body) else None
    return Content(encrypt=proof.encrypt, token=proof.header.token if proof.header else proof.token)


def _is_object(body: bytes) -> bool:
    try:
        _object.decode(body)
    except _UNDECODABLE:
        return False
    return True


def _envelope(content: Content, payload: bytes) -> Envelope | None:
    try:
        return envelope_of(content, payload)
    except EnvelopeError:
        return None


def _is_old_card(envelope: Envelope | None) -> bool:
    return envelope is not None and envelope.is_callback and envelope.schema == "1.0"


def _is_signed(body: bytes, signature: Signature, key: str) -> bool:
    return verify_event(
        signature.value, timestamp=signature.timestamp, nonce=signature.nonce, encrypt_key=key, body=body
    )


def _is_signed_card(body: bytes, signature: Signature, token: str) -> bool:
    return verify_card(
        signature.value,
        timestamp=signature.timestamp,
        nonce=signature.nonce,
        verification_token=token,
        body=body,
    )
