"""Checking passwords: a hash that costs little memory, and one at a time."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from django.contrib.auth.hashers import Argon2PasswordHasher

from core.background.limits import ConcurrencyLimits

T = TypeVar("T")

PLACES: Final = 15
"""Passwords that are hashed or wait for their turn; each holds the thread of its request."""
PATIENCE: Final = 2.0  # seconds
NICENESS: Final = 7
"""How far hashing gives way to threads that answer requests, of 19: where all want the processor, it gets a fifth of what one of
them gets."""

_places = ConcurrencyLimits()


class PasswordsBusyError(Exception):
    """Too many passwords are being checked; nothing was checked."""


class Argon2(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane, as OWASP's Password Storage Cheat Sheet advises. Hashes of other costs
    stay valid, and are made again when their operator signs in.

    Raises PasswordsBusyError where a turn does not come in time.
    """

    memory_cost = 19 * 1024  # KiB
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        return str(_in_turn(super().encode, password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        return bool(_in_turn(super().verify, password, encoded))


def _give_way() -> None:
    """Have this thread give way to the others: whoever guesses passwords by the hundred must not slow the pages down. Linux has a
    priority for each thread, others only for a whole process."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):  # where a sandbox forbids it, hashing is merely as quick as everything else
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)


# One thread of its own, for some forty hashes a second: the C library keeps what a thread has freed for later allocations of
# that thread, so each thread that hashes passwords holds 19 MiB for good, and one hash of former costs may take 100 MiB. No
# process that forks hashes passwords before.
_thread = ThreadPoolExecutor(1, thread_name_prefix="passwords", initializer=_give_way)


def _in_turn(function: Callable[..., T], *arguments: str) -> T:
    with _places.place("passwords", limit=PLACES, full=PasswordsBusyError()):
        hashed = _thread.submit(function, *arguments)
        try:
            return hashed.result(PATIENCE)
        except TimeoutError:
            if hashed.cancel():
                raise PasswordsBusyError from None
            return hashed.result()  # it has begun
