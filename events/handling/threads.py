"""Threads for handlers. Their number is bounded by whoever gives them work; one that hangs is left behind.

Threads of our own, because an executor's are joined when the process ends: one hung handler would keep it for ever.
"""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from core.database.connections import give_back
from core.database.errors import described
from core.database.outages import is_unavailable
from core.database.pooling import PooledConnection
from core.database.sqlite import AbortableConnection
from core.log_pace import THINNED
from events.handling.handler_loop import LOOPS, LoopRun
from events.handling.interruption import HandlerTimedOut, interrupt

logger = logging.getLogger(__name__)

IDLE_SECONDS = 30.0  # then a thread ends, and its database connection with it


@dataclass(slots=True, eq=False)
class Job:
    """Something to do and the thread that does it; ``is_over`` when it is done, however it ended."""

    work: Callable[[], None]
    thread: "HandlerThread"
    is_over: bool = False


class HandlerThread(threading.Thread):
    """Runs jobs one after the other, each to its end, until there was none for a while or it was left behind."""

    def __init__(self, name: str, pool: "HandlerThreads") -> None:
        super().__init__(name=name, daemon=True)
        self._pool = pool
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.connection: AbortableConnection | None = None
        self._pooled: PooledConnection | None = None
        self.is_left = False

    def give(self, job: Job | None) -> None:
        """Something to do; None ends the thread."""
        self._jobs.put(job)

    def run(self) -> None:
        self._pooled = PooledConnection(settings.WORKER_DATABASE_CONNECTIONS)
        self.connection = AbortableConnection()
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
                try:
                    job.work()
                    give_back()
                except Exception as error:
                    # The job has noted what its handler raised; this is the database going away, or a fault of ours.
                    if is_unavailable(error):
                        logger.warning("handler_thread_without_database", extra=described(error) | THINNED)
                    else:
                        logger.exception("handler_thread_failed")
                    self.connection.close()
                self._pool.take_back(job)
        except HandlerTimedOut:
            logger.info("hung_handler_came_back")
        finally:
            self._pool.dismiss(self)
            if not self.connection.close():
                logger.info("connection_not_closed")
            self._pooled.leave()

    @property
    def waited(self) -> float:
        """Seconds that the thread has waited for database connections, ever."""
        return 0.0 if self._pooled is None else self._pooled.waited

    @property
    def loop_run(self) -> LoopRun | None:
        """The coroutine that the thread waits for."""
        return LOOPS.run_of(self)

    def abort(self) -> None:
        """Interrupt the job where Python can, and free what its transaction holds. Waits for nothing."""
        if (run := self.loop_run) is not None:
            run.abandon()
        interrupt(self)
        if self._pooled is not None:
            self._pooled.replace()
        if self.connection is not None:
            self.connection.abort()


class HandlerThreads:
    """The threads of one process, made as they are needed and kept for a while."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._idle: list[HandlerThread] = []
        self._left: set[HandlerThread] = set()
        self._made = 0
        self._is_closed = False

    def start(self, work: Callable[[], None]) -> Job:
        """Do it on a thread that does nothing else until it is done."""
        with self._lock:
            thread = self._idle.pop() if self._idle else None
            if thread is None:
                self._made += 1
                thread = HandlerThread(f"{self._name}-{self._made}", self)
                thread.start()
        job = Job(work, thread)
        thread.give(job)
        return job

    def leave(self, job: Job) -> None:
        """Leave the thread behind on which a job hangs; it counts as hung until it comes back. Nothing happens when the
        job is done: its thread may be at another one."""
        with self._lock:
            if job.is_over:
                return
            job.thread.is_left = True
            self._left.add(job.thread)
        job.thread.abort()

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

    def take_back(self, job: Job) -> None:
        """From the thread: the job is done."""
        with self._lock:
            job.is_over = True
            if self._is_closed:
                job.thread.give(None)
            elif not job.thread.is_left:
                self._idle.append(job.thread)

    def dismiss(self, thread: HandlerThread) -> bool:
        """Whether the thread may end: not when it was just given a job."""
        with self._lock:
            if thread in self._idle:
                self._idle.remove(thread)
                return True
            return thread.is_left
