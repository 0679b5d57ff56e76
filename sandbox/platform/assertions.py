"""Client assertions: a JSON Web Token in the place of the App Secret.

As the official SDKs send them (`lark_oapi/core/client_assertion.py`): `aud` is the host that is called. What the platform
checks besides is not documented; this is RFC 7523, section 3.
"""

import base64
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sandbox.config import AppConfig

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NUMBER_BYTES: Final = 32  # each of the two numbers of an ES256 signature


def check_assertion(app: AppConfig, assertion: str, *, audience: str, now: float) -> None:
    """Raises ValueError, which says what is wrong with it. `audience`: host and port of the request."""
    if not app.assertion_key:
        raise ValueError("the app takes none, for it has no assertion_key")
    signed, _, signature = assertion.rpartition(".")
    head, _, body = signed.partition(".")
    try:
        header, claims = _object(head), _object(body)
        is_genuine = _is_signed(
            app.assertion_key, str(header.get("alg")), signed.encode(), _decoded(signature)
        )
    except ValueError as error:
        raise ValueError(f"it is no signed JWT: {error}") from None
    if not is_genuine:
        raise ValueError("the signature is not of the app's key")
    _check_claims(app, claims, audience=audience, now=now)


def _check_claims(app: AppConfig, claims: dict[str, Any], *, audience: str, now: float) -> None:
    named = claims.get("aud")
    if audience not in (named if isinstance(named, list) else [named]):
        raise ValueError(f"aud is not {audience}")
    expires_at, begins_at = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expires_at, int | float) or expires_at <= now:
        raise ValueError("it has expired")
    if not isinstance(begins_at, int | float) or begins_at > now:
        raise ValueError("it does not hold yet")
    for name, wanted in (("iss", app.assertion_issuer), ("sub", app.assertion_subject)):
        if wanted and claims.get(name) != wanted:
            raise ValueError(f"{name} is not {wanted}")


def _is_signed(key: str, algorithm: str, content: bytes, signature: bytes) -> bool:
    public_key = load_pem_public_key(key.encode())
    try:
        if algorithm == "RS256" and isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, content, padding.PKCS1v15(), SHA256())
        elif algorithm == "ES256" and isinstance(public_key, ec.EllipticCurvePublicKey):
            numbers = (signature[:_NUMBER_BYTES], signature[_NUMBER_BYTES:])
            r, s = (int.from_bytes(number) for number in numbers)
            public_key.verify(encode_dss_signature(r, s), content, ec.ECDSA(SHA256()))
        else:
            raise ValueError(f"the app's key does not sign with {algorithm}")
    except InvalidSignature:
        return False
    return True


def _object(text: str) -> dict[str, Any]:
    return msgspec.json.decode(_decoded(text), type=dict[str, Any])


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
