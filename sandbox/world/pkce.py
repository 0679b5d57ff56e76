"""Proof Key for Code Exchange, as the token endpoint checks it."""

import base64
import hashlib
import re

from sandbox.errors import TokenError

_VERIFIER = re.compile(r"^[A-Za-z0-9\-._~]{43,128}$")


def check(challenge: str, method: str, verifier: str | None, *, strict: bool) -> None:
    """Raises TokenError 20049 unless the verifier fits the challenge.

    Without a challenge `strict` refuses a verifier (endpoint v3), otherwise it is ignored (v2).
    """
    if not challenge:
        if verifier and strict:
            raise TokenError(20049, "A code_verifier was sent, but no code_challenge was used.")
        return
    if not verifier or not _VERIFIER.match(verifier) or transform(verifier, method) != challenge:
        raise TokenError(20049, "The code_verifier does not match the code_challenge.")


def transform(verifier: str, method: str) -> str:
    """The challenge that belongs to a verifier."""
    if method != "S256":
        return verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
