"""One-time secrets: random, and stored as a hash."""

import hashlib
import secrets


def new_secret() -> str:
    """32 random bytes as URL-safe text (43 characters)."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """The hash of a secret as it is stored; hex SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()
