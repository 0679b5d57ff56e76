"""Checking passwords: a hash that costs little memory, and few at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.contrib.auth.hashers import Argon2PasswordHasher

AT_ONCE: Final = 3
"""Passwords hashed at once in one process."""
WAITING: Final = 12
"""How many may wait for their turn; each holds the thread of its request."""
PATIENCE: Final = 2.0  # seconds

_turns = threading.BoundedSemaphore(AT_ONCE)
_costly = threading.Lock()
_places = threading.BoundedSemaphore(AT_ONCE + WAITING)


class PasswordsBusyError(Exception):
    """Too many passwords are being checked; nothing was checked."""


class Argon2(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane, as OWASP's Password Storage Cheat Sheet advises. Hashes of other costs
    stay valid, and are made anew when their operator signs in.

    Raises PasswordsBusyError where a turn does not come in time.
    """

    memory_cost = 19 * 1024  # KiB
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _turn():
            return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        with _turn(), _one_at_a_time(is_needed=self.decode(encoded)["memory_cost"] > self.memory_cost):
            return bool(super().verify(password, encoded))


@contextmanager
def _one_at_a_time(*, is_needed: bool) -> Iterator[None]:
    """A hash of former costs may take 100 MiB."""
    if not is_needed:
        yield
        return
    if not _costly.acquire(timeout=PATIENCE):
        raise PasswordsBusyError
    try:
        yield
    finally:
        _costly.release()


@contextmanager
def _turn() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise PasswordsBusyError
    try:
        if not _turns.acquire(timeout=PATIENCE):
            raise PasswordsBusyError
        try:
            yield
        finally:
            _turns.release()
    finally:
        _places.release()
