"""Checking passwords: a hash that costs little memory, and few at once."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from django.contrib.auth.hashers import Argon2PasswordHasher

T = TypeVar("T")

AT_ONCE: Final = 3
"""Passwords hashed at once in one process."""
WAITING: Final = 12
"""How many may wait for their turn; each holds the thread of its request."""
PATIENCE: Final = 2.0  # seconds
NICENESS: Final = 10
"""How far hashing gives way to threads that answer requests; of 19."""

_places = threading.BoundedSemaphore(AT_ONCE + WAITING)
_costly = threading.Lock()


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
        return str(_in_turn(super().encode, password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        if self.decode(encoded)["memory_cost"] <= self.memory_cost:
            return bool(_in_turn(super().verify, password, encoded))
        # A hash of former costs may take 100 MiB: one at a time.
        if not _costly.acquire(timeout=PATIENCE):
            raise PasswordsBusyError
        try:
            return bool(_in_turn(super().verify, password, encoded))
        finally:
            _costly.release()


def _give_way() -> None:
    """Give this thread the processor only where nobody else wants it: whoever guesses passwords by the hundred must not slow the
    pages down. Linux has a priority for each thread, others only for a whole process."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):  # where a sandbox forbids it, hashing is merely as quick as everything else
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)


# Threads of their own: the C library keeps what a thread has freed for later allocations of that thread, so hashes on the
# threads of the requests would leave 19 MiB on each. No process that forks hashes passwords before.
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords", initializer=_give_way)


def _in_turn(function: Callable[..., T], *arguments: str) -> T:
    if not _places.acquire(blocking=False):
        raise PasswordsBusyError
    try:
        hashed = _threads.submit(function, *arguments)
        try:
            return hashed.result(PATIENCE)
        except TimeoutError:
            if hashed.cancel():
                raise PasswordsBusyError from None
            return hashed.result()  # it has begun
    finally:
        _places.release()
