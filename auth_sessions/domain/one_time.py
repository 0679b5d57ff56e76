"""One-time values: random, unguessable, stored as a hash."""

import hashlib
import secrets


def new_secret() -> str:
    """32 random bytes as URL-safe text (43 characters)."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored of a one-time value; hex SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()
