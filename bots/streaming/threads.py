"""Threads on which streamed replies wait for the platform and for the database, beside the event loop that they are written on.

Those for the database are apart: a platform that does not answer must not keep a reply from saying that it lives.
"""

import asyncio
import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from core.database.connections import give_back

T = TypeVar("T")

PLATFORM_THREADS: Final = 32
DATABASE_THREADS: Final = 2


async def at_platform(call: Callable[[], T]) -> T:
    """What the call returns or raises; it uses no database."""
    return await asyncio.get_running_loop().run_in_executor(_platform(os.getpid()), call)


async def in_database(question: Callable[[], T]) -> T:
    """The same for the database, whose connection is given back afterwards."""
    return await asyncio.get_running_loop().run_in_executor(_database(os.getpid()), _asked, question)


def _asked(question: Callable[[], T]) -> T:
    try:
        return question()
    finally:
        give_back(before_waiting=True)


# A forked child gets threads of its own.
@functools.lru_cache(maxsize=1)
def _platform(_pid: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(PLATFORM_THREADS, thread_name_prefix="stream")


@functools.lru_cache(maxsize=1)
def _database(_pid: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="stream-database")
