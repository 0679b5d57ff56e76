"""The event loop that the async handlers of a process share.

Each handler's thread waits for its coroutine, so that the ORM's calls come back to that thread and into its transaction.
On the loop every run has its own time limit, its own cancellation and its own tasks: those it left behind end with it.

A handler that blocks the loop, with a sync call or without end, must cost the others neither their time nor an attempt. A
loop that does not answer is retired: what begins afterwards gets another one. Time for which it was blocked counts for
nobody, and who gives up a run (``events.handling.watchdog``) asks whether it or another one blocks.
"""

import asyncio
import atexit
import logging
import os
import threading
import time
from collections.abc import Coroutine
from contextvars import Context, ContextVar
from typing import Any

from asgiref.sync import SyncToAsync, async_to_sync

from events.handling.interruption import HandlerTimedOut, interrupt

logger = logging.getLogger(__name__)

BEAT = 0.1
"""Seconds between two signs of life of a loop with runs."""
BLOCKED_SECONDS = 0.5
"""A loop without a sign of life for so long is blocked."""
LEFT_SECONDS = 1.0
"""For tasks that a handler left behind, to end when they are cancelled."""
CLOSE_SECONDS = 1.0
"""For a loop without runs to end with its process."""


class AsyncHandlerTimedOut(Exception):
    """An async handler was cancelled because it was past its time."""


class LoopRun:
    """One coroutine on a loop, with a time limit in seconds."""

    def __init__(self, loop: "HandlerLoop", seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._task: asyncio.Task[Any] | None = None
        self._blocked_before = 0.0
        self.tasks: set[asyncio.Task[Any]] = set()

    @property
    def held_up(self) -> float:
        """Seconds for which the loop was blocked meanwhile, at most as many as the run may take."""
        return min(self._seconds, max(0.0, self._loop.blocked - self._blocked_before))

    @property
    def is_held_up(self) -> bool:
        """Whether the loop is blocked by another run."""
        return self._loop.is_blocked and self._loop.current_task() not in self.tasks

    @property
    def blocks(self) -> bool:
        """Whether it is this run that blocks the loop."""
        return self._loop.is_blocked and self._loop.current_task() in self.tasks

    def abandon(self) -> None:
        """From another thread: the run counts for nothing any more. Waits for nothing."""
        if self.blocks:
            self._loop.interrupt()
        self._loop.call(self._cancel)

    def _cancel(self) -> None:
        for task in tuple(self.tasks):
            task.cancel()

    async def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """On the loop. Raises AsyncHandlerTimedOut, or whatever the coroutine raises."""
        self._task = asyncio.current_task()
        if self._task is not None:
            self.tasks.add(self._task)
        token = _run.set(self)
        self._blocked_before = self._loop.blocked
        self._loop.add(self)
        try:
            async with asyncio.timeout(None) as limit:
                timer = self._expire_later(limit, time.monotonic())
                try:
                    return await coroutine
                finally:
                    timer[-1].cancel()
        except TimeoutError:
            if limit.expired():
                raise AsyncHandlerTimedOut from None
            raise
        finally:
            await self._end_left_tasks()
            _run.reset(token)
            self._loop.remove(self)

    def _expire_later(self, limit: asyncio.Timeout, began: float) -> list[asyncio.TimerHandle]:
        loop = asyncio.get_running_loop()
        timer: list[asyncio.TimerHandle] = []

        def expire() -> None:
            left = began + self._seconds + self.held_up - time.monotonic()
            if left > 0.001:
                timer.append(loop.call_later(left, expire))
            else:
                limit.reschedule(loop.time())

        timer.append(loop.call_later(self._seconds, expire))
        return timer

    async def _end_left_tasks(self) -> None:
        left = [task for task in self.tasks if task is not self._task and not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=LEFT_SECONDS)


_run: ContextVar[LoopRun | None] = ContextVar("handler_run", default=None)


class HandlerLoop:
    """An event loop on a thread of its own, until it is retired and its last run has ended."""

    def __init__(self, number: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_task_factory(_task_of_run)
        self._runs: set[LoopRun] = set()
        self._waiting = 0
        self._lock = threading.Lock()
        self._blocked = 0.0
        self._beaten_at = time.monotonic()
        self._is_beating = False
        self._is_retired = False
        self._thread = threading.Thread(target=self._work, name=f"handler-loop-{number}", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while True:
            try:
                self._loop.run_forever()
            except HandlerTimedOut:  # it struck between two tasks: the one it was meant for has ended
                continue
            break
        self._loop.close()

    # --- from threads of handlers

    def answers(self) -> bool:
        """Whether the loop lives; waits for its answer at most ``BLOCKED_SECONDS`` where it has said nothing lately."""
        if self._is_beating and time.monotonic() - self._beaten_at < 2 * BEAT:
            return True
        answered = threading.Event()
        return self.call(answered.set) and answered.wait(BLOCKED_SECONDS)

    def complete(self, coroutine: Coroutine[Any, Any, Any], run: LoopRun) -> Any:
        """Run the coroutine to its end while this thread does what it asks the ORM."""
        # asgiref takes the loop from here, as it does for sync code that was called from one.
        local: Any = SyncToAsync.threadlocal
        local.main_event_loop, local.main_event_loop_pid = self._loop, os.getpid()
        try:
            return async_to_sync(run.run)(coroutine)
        finally:
            local.main_event_loop = local.main_event_loop_pid = None

    def call(self, function: Any) -> bool:
        """Have it called on the loop; False where that has ended."""
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:
            return False
        return True

    def take(self) -> bool:
        """Announce a run that is about to begin; False where the loop takes none any more."""
        with self._lock:
            if not self._is_retired:
                self._waiting += 1
            return not self._is_retired

    def leave(self) -> None:
        """What was announced has ended."""
        with self._lock:
            self._waiting -= 1
        self._end_if_idle()

    def retire(self) -> None:
        """Take no more runs, and end with the last one."""
        with self._lock:
            self._is_retired = True
        self._end_if_idle()

    def join(self, seconds: float) -> None:
        """Wait for the end of a retired loop."""
        self._thread.join(timeout=seconds)

    def _end_if_idle(self) -> None:
        with self._lock:
            is_over = self._is_retired and not self._waiting
        if is_over:
            self.call(self._loop.stop)

    # --- how it stands, from any thread

    @property
    def blocked(self) -> float:
        """Seconds for which the loop stood still while it had runs, ever."""
        return self._blocked + self._stands_still

    @property
    def is_blocked(self) -> bool:
        return self._stands_still >= BLOCKED_SECONDS

    @property
    def _stands_still(self) -> float:
        return max(0.0, time.monotonic() - self._beaten_at - 2 * BEAT) if self._is_beating else 0.0

    def current_task(self) -> "asyncio.Task[Any] | None":
        """What the loop is at."""
        return asyncio.current_task(self._loop)

    def interrupt(self) -> None:
        """Get the loop's thread out of the code it is in, where Python can."""
        interrupt(self._thread)

    # --- on the loop

    def add(self, run: LoopRun) -> None:
        """A run begins."""
        self._runs.add(run)
        if not self._is_beating:
            self._beaten_at = time.monotonic()
            self._is_beating = True
            self._loop.call_later(BEAT, self._beat)

    def remove(self, run: LoopRun) -> None:
        """A run has ended."""
        self._runs.discard(run)

    def _beat(self) -> None:
        self._blocked += self._stands_still
        self._beaten_at = time.monotonic()
        if self._runs:
            self._loop.call_later(BEAT, self._beat)
        else:
            self._is_beating = False


def _task_of_run(
    loop: asyncio.AbstractEventLoop, coroutine: Any, context: Context | None = None
) -> "asyncio.Task[Any]":
    """A task that belongs to the run that made it."""
    task = asyncio.Task(coroutine, loop=loop, context=context)
    run = _run.get() if context is None else context.get(_run)
    if run is not None:
        run.tasks.add(task)
        task.add_done_callback(run.tasks.discard)
    return task


class HandlerLoops:
    """The loop of a process, and those that are retired."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: HandlerLoop | None = None
        self._pid = os.getpid()
        self._made = 0
        self._of_threads: dict[threading.Thread, LoopRun] = {}

    def run(self, coroutine: Coroutine[Any, Any, Any], *, seconds: float) -> Any:
        """Run it to its end, from a handler's thread."""
        loop = self._take()
        run = LoopRun(loop, seconds)
        thread = threading.current_thread()
        self._of_threads[thread] = run
        try:
            return loop.complete(coroutine, run)
        finally:
            self._of_threads.pop(thread, None)
            loop.leave()

    def run_of(self, thread: threading.Thread) -> LoopRun | None:
        """What a handler's thread waits for."""
        return self._of_threads.get(thread)

    def _take(self) -> HandlerLoop:
        while True:
            loop = self._live()
            if not loop.take():
                continue
            if loop.answers():
                return loop
            logger.warning("handler_loop_blocked", extra={"seconds": BLOCKED_SECONDS})
            with self._lock:
                if self._current is loop:
                    self._current = None
            loop.retire()
            loop.leave()

    def _live(self) -> HandlerLoop:
        with self._lock:
            if self._current is None or self._pid != os.getpid():  # a loop does not outlive a fork
                self._made += 1
                self._pid, self._current = os.getpid(), HandlerLoop(self._made)
            return self._current

    def close(self) -> None:
        """At the end of the process: end the loop, unless a run that was left behind still holds it."""
        with self._lock:
            loop, self._current = self._current, None
        if loop is not None and self._pid == os.getpid():
            loop.retire()
            loop.join(CLOSE_SECONDS)


LOOPS = HandlerLoops()
"""Of this process."""
atexit.register(LOOPS.close)
