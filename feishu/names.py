"""Looking up host names, so that one whose name servers are silent holds up no other.

An event loop's own threads for this are few, five times the system's patience (`resolv.conf`) is minutes, and a receiver
that is asked for eight times at once would have them all: every other receiver then seems not to answer.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeAlias

import httpx2

from feishu.shared_result import shared

THREADS: Final = 32
"""Names that are looked up at once in a process."""

Found: TypeAlias = Sequence[tuple[int, int, int, str, Any]]
"""As `socket.getaddrinfo` has it."""
LookUp: TypeAlias = Callable[..., Found]


def look_up_now(host: str, port: int) -> Found:
    """The addresses of `host` for TCP, in a thread. Raises OSError, also where this cannot be a name."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "this cannot be the name of a host") from error


def is_host(text: str) -> bool:
    """Whether this is an address, or could be the name of a host: one with an empty or an endless label, say, is refused by
    the libraries with errors that have nothing to do with the network."""
    if not text or not text.isprintable() or " " in text:
        return False
    try:
        httpx2.URL(scheme="http", host=text).host.encode("idna")
    except (httpx2.InvalidURL, UnicodeError):
        return False
    return True


class NameLookups:
    """For every event loop of a process. Whoever asks for a name that is being looked up gets that result."""

    def __init__(self, *, threads: int = THREADS, look_up: LookUp | None = None) -> None:
        self._look_up = look_up
        self._threads = threads
        self.restart()

    def restart(self) -> None:
        """A forked process has none of its parent's threads."""
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="names")
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[Found]] = {}

    async def look_up(self, host: str, port: int) -> Found:
        """Its addresses for TCP. Raises OSError; the caller limits the time."""
        return await shared(asyncio.wrap_future(self._result(host, port)))

    def look_up_within(self, host: str, port: int, seconds: float) -> Found:
        """The same, for threads. Raises TimeoutError, which is an OSError, where name servers take longer."""
        return self._result(host, port).result(timeout=seconds)

    def _result(self, host: str, port: int) -> "Future[Found]":
        name = (host, port)
        with self._lock:
            result = self._under_way.get(name)
            if result is None:
                result = self._pool.submit(self._look_up or look_up_now, host, port)
                self._under_way[name] = result
            else:
                return result
        # Outside of the lock: what has ended already is forgotten at once, on this thread.
        result.add_done_callback(partial(self._forget, name))
        return result

    def _forget(self, name: tuple[str, int], _result: "Future[Found]") -> None:
        with self._lock:
            self._under_way.pop(name, None)


names = NameLookups()
os.register_at_fork(after_in_child=names.restart)
