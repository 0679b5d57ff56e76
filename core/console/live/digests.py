"""Digests of what a page shows: an open page whose digest is another one is sent its part again."""

import hashlib


def digest_of(facts: object) -> str:
    """By their ``repr``, which has to be the same in every process: no sets, and no objects that are shown by their address."""
    return hashlib.blake2s(repr(facts).encode(), digest_size=8).hexdigest()
