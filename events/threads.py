"""Threads for handlers. Their number is bounded by whoever gives them work; one that hangs is left behind.

Threads of our own, because an executor's are joined when the process ends: one hung handler would keep it for ever.
"""

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db import Error, connections

from events.calling import HandlerTimedOut, interrupt

logger = logging.getLogger("events.threads")

IDLE_SECONDS = 30.0  # then a thread ends, and its database connection with it

Job = Callable[[], None]


class HandlerThread(threading.Thread):
    """Runs jobs one after the other, each to its end, until there was none for a while or it was left behind."""

    def __init__(self, name: str, pool: "HandlerThreads") -> None:
        super().__init__(name=name, daemon=True)
        self._pool = pool
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._database: Any = None
        self.is_left = False

    def give(self, job: Job | None) -> None:
        """Something to do; None ends the thread."""
        self._jobs.put(job)

    def run(self) -> None:
        self._database = connections["default"]
        try:
            while not self.is_left:
                try:
                    job = self._jobs.get(timeout=IDLE_SECONDS)
                except queue.Empty:
                    if self._pool.dismiss(self):
                        return
                    continue
                if job is None:
                    return
                self._do(job)
                self._pool.take_back(self)
        except HandlerTimedOut:
            logger.info("hung_handler_came_back")
        finally:
            self._pool.dismiss(self)
            self._close()

    def _do(self, job: Job) -> None:
        try:
            job()
        except HandlerTimedOut:
            logger.info("hung_handler_came_back")
        except Exception:
            # What a job has to say of its handler it has said; this is the database going away, or a fault of ours.
            logger.exception("handler_thread_failed")
            self._close()

    def leave(self) -> None:
        """Give up on the job: interrupt it where Python can, and free what its transaction holds."""
        self.is_left = True
        # PostgreSQL ends a hung transaction by itself; SQLite has nobody who would, and one lock for all writers.
        raw = getattr(self._database, "connection", None)
        if isinstance(raw, sqlite3.Connection):
            # Both may be called from another thread; close() may not while the connection is in use.
            with suppress(sqlite3.Error):
                raw.interrupt()
                raw.rollback()
        interrupt(self)

    def _close(self) -> None:
        try:
            connections.close_all()
        except (Error, sqlite3.Error):
            logger.info("connection_not_closed")


class HandlerThreads:
    """The threads of one process, made as they are needed and kept for a while."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._idle: list[HandlerThread] = []
        self._left: set[HandlerThread] = set()
        self._made = 0
        self._is_closed = False

    def start(self, job: Job) -> HandlerThread:
        """Run the job on a thread that does nothing else until it is done."""
        with self._lock:
            thread = self._idle.pop() if self._idle else None
            if thread is None:
                self._made += 1
                thread = HandlerThread(f"{self._name}-{self._made}", self)
                thread.start()
        thread.give(job)
        return thread

    def leave(self, thread: HandlerThread) -> None:
        """Leave a thread behind whose handler hangs. It counts as hung until it comes back."""
        with self._lock:
            self._left.add(thread)
        thread.leave()

    def close(self) -> None:
        """End the threads as they become idle."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for thread in idle:
            thread.give(None)

    @property
    def hung(self) -> int:
        """Threads that were left behind and have not come back."""
        with self._lock:
            self._left = {thread for thread in self._left if thread.is_alive()}
            return len(self._left)

    def take_back(self, thread: HandlerThread) -> None:
        with self._lock:
            if self._is_closed:
                thread.give(None)
            elif not thread.is_left:
                self._idle.append(thread)

    def dismiss(self, thread: HandlerThread) -> bool:
        """Whether the thread may end: not when it was just given a job."""
        with self._lock:
            if thread in self._idle:
                self._idle.remove(thread)
                return True
            return thread.is_left
