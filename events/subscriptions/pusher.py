"""The pusher: pushes events to subscriptions, in every worker process, beside the handlers and never in their way.

One thread reads and writes the database; the requests run concurrently on an event loop of their own. Task messages only
wake it, the rows are the truth. A receiver gets ``PER_SUBSCRIPTION`` requests at once at most, so that a slow one delays no
other; waiting for it holds neither a thread nor a database connection.
"""

import asyncio
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from django.conf import settings
from django.db import Error, close_old_connections

from core.background.per_process import OnePerProcess
from core.database.connections import close_own, keep_open
from core.installation.watch import watch
from core.log_context import log_context
from events.clicks.updates import show_late_answer
from events.errors import MessagesAwaitedError
from events.handling.threads import HandlerThreads
from events.models import Delivery
from events.models.claims import LEASE
from events.subscriptions import push
from events.subscriptions.http.answers import read_answer
from events.subscriptions.http.failures import FAULT, NOT_BUILT
from events.subscriptions.http.post import PushRequest, PushResult, post
from events.traces import delivering
from feishu.networks import Networks

if TYPE_CHECKING:
    from uuid import UUID

logger = logging.getLogger(__name__)

PER_SUBSCRIPTION = 4  # requests at once in one process
RENEW_SECONDS = LEASE.total_seconds() / 3
SHORTEST_WAIT = 0.05  # seconds
STOP_SECONDS = 8.0
Post: TypeAlias = Callable[[PushRequest], Awaitable[PushResult]]


class Pusher:
    """One for each process. Its thread calls ``step`` again and again; tests call it themselves."""

    def __init__(self, *, send: Post | None = None, max_requests: int | None = None) -> None:
        networks = Networks.parse(settings.DELIVERY_NETWORKS)
        self._send = send or (lambda request: post(request, networks=networks))
        self._max_requests = settings.DELIVERY_CALLS if max_requests is None else max_requests
        self._in_flight: dict[int, Delivery] = {}
        self._per_subscription: Counter[UUID] = Counter()
        self._results: queue.SimpleQueue[tuple[Delivery, PushResult | MessagesAwaitedError]] = (
            queue.SimpleQueue()
        )
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._answer_threads = HandlerThreads("late-answer")
        self._expanding_threads = HandlerThreads("expanding")
        self._renewed_at = time.monotonic()
        self._thread: threading.Thread | None = None
        self._loop = asyncio.new_event_loop()
        self._loop_thread = threading.Thread(target=self._run_loop, name="push-requests", daemon=True)
        self._loop_thread.start()

    # --- life

    def start(self) -> None:
        """Start the thread; once."""
        self._thread = threading.Thread(target=self._run, name="pusher", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to push."""
        self._woken.set()

    def stop(self) -> None:
        """Claim nothing more, settle what ends within ``STOP_SECONDS``, and put back the rest."""
        if self._loop.is_closed():
            return
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout=STOP_SECONDS)
        deadline = time.monotonic() + STOP_SECONDS
        while self.in_flight and time.monotonic() < deadline:
            self._woken.wait(SHORTEST_WAIT)
            self._woken.clear()
            self._guarded(self._settle_results)
        for delivery in list(self._in_flight.values()):
            self._guarded(lambda one=delivery: push.put_back(one))  # type: ignore[misc]
        self._answer_threads.close()
        self._expanding_threads.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._loop_thread.join(timeout=1)
        close_own()

    @property
    def in_flight(self) -> int:
        """How many requests wait for their response."""
        return len(self._in_flight)

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _run(self) -> None:
        keep_open()
        while not self._stopping.is_set():
            self._guarded(self.step)
            seconds = self._seconds_to_wait()
            close_old_connections()
            self._woken.wait(seconds)
            self._woken.clear()
        close_own()

    def _guarded(self, work: Callable[[], object]) -> None:
        """The database may be away: everything is tried again a moment later."""
        try:
            work()
        except Exception:
            # Whatever it was, the thread goes on: no other pushes for this process.
            logger.exception("pusher_failed")
            close_own()

    # --- work

    def step(self) -> None:
        """Settle the results that came in, and push as many due deliveries as there is room for."""
        self._settle_results()
        self._renew_leases()
        if watch.is_passive():
            return
        for delivery in push.claim_abandoned(self._free):
            if delivery.attempts > push.max_attempts_of(delivery):
                push.end_lost(delivery)
            elif push.is_deliverable(delivery):
                self._begin(delivery)
            else:
                Delivery.objects.release(delivery)
        if not self._free:
            return
        for subscription_id in push.due_subscriptions():
            room = min(self._free, PER_SUBSCRIPTION - self._per_subscription[subscription_id])
            if room > 0:
                for delivery in push.claim_due(subscription_id, limit=room):
                    self._begin(delivery)

    @property
    def _free(self) -> int:
        return max(0, self._max_requests - len(self._in_flight))

    def _begin(self, delivery: Delivery) -> None:
        self._in_flight[delivery.pk] = delivery
        self._per_subscription[delivery.subscription_id] += 1
        with log_context(**_facts(delivery)):
            self._start(delivery)

    def _start(self, delivery: Delivery) -> None:
        if push.takes_time(delivery):
            self._expanding_threads.start(lambda: self._build(delivery))
        else:
            self._build(delivery)

    def _build(self, delivery: Delivery) -> None:
        try:
            request = push.build_request(delivery)
        except MessagesAwaitedError as awaited:
            self._report(delivery, awaited)
            return
        except Exception as error:
            # An event that cannot be read, or a secret that cannot be opened.
            logger.exception("push_request_not_built", extra={"delivery": delivery.pk})
            self._report(delivery, PushResult(None, error=NOT_BUILT(said=f"{type(error).__name__}: {error}")))
            return
        with suppress(RuntimeError):  # the process is ending, and the loop is closed
            asyncio.run_coroutine_threadsafe(self._push(delivery, request), self._loop)

    async def _push(self, delivery: Delivery, request: PushRequest) -> None:
        """On the event loop."""
        with log_context(**_facts(delivery)), delivering(delivery) as step:
            try:
                result = await self._send(request)
            except Exception as error:
                logger.exception("push_failed", extra={"delivery": delivery.pk})
                result = PushResult(None, error=FAULT(said=type(error).__name__))
            if not result.is_success:
                step.fail("not reached" if result.status is None else f"HTTP {result.status}")
            if push.is_asked(delivery):
                result = await self._show_answer(delivery, result)
        self._report(delivery, result)

    async def _show_answer(self, delivery: Delivery, result: PushResult) -> PushResult:
        """Show what the receiver answered to a click that was answered before anybody could ask: its card comes late."""
        asked = read_answer(result, delivery.event.event_type)
        if asked.answer is None:
            return asked.result
        shown: asyncio.Future[None] = self._loop.create_future()

        def show() -> None:
            try:
                show_late_answer(delivery.event, asked.answer)
            except Exception:
                logger.exception("late_answer_not_shown", extra={"delivery": delivery.pk})
            finally:
                with suppress(RuntimeError):  # the process is ending, and the loop is closed
                    self._loop.call_soon_threadsafe(shown.set_result, None)

        self._answer_threads.start(show)
        await shown
        return asked.result

    def _report(self, delivery: Delivery, result: PushResult | MessagesAwaitedError) -> None:
        self._results.put((delivery, result))
        self._woken.set()

    def _settle_results(self) -> None:
        while True:
            try:
                delivery, result = self._results.get_nowait()
            except queue.Empty:
                return
            try:
                with log_context(**_facts(delivery)):
                    if isinstance(result, MessagesAwaitedError):
                        Delivery.objects.release(delivery, after=result.pause)
                    else:
                        push.settle(delivery, result)
            finally:
                self._in_flight.pop(delivery.pk, None)
                self._per_subscription[delivery.subscription_id] -= 1

    def _renew_leases(self) -> None:
        now = time.monotonic()
        if self._in_flight and now - self._renewed_at >= RENEW_SECONDS:
            Delivery.objects.renew([(one.pk, one.claim_id) for one in self._in_flight.values()])
            self._renewed_at = now

    def _seconds_to_wait(self) -> float:
        longest = float(settings.SWEEP_SECONDS)
        if not self._free:
            return longest
        try:
            return max(SHORTEST_WAIT, min(longest, push.seconds_to_next()))
        except Error:
            return longest


def _facts(delivery: Delivery) -> dict[str, object]:
    """What log lines say of a delivery."""
    return {
        "app_id": delivery.event.bot.app_id,
        "event_id": delivery.event.event_id,
        "subscription": delivery.subscription_id,
        "delivery": delivery.pk,
    }


_own = OnePerProcess(Pusher)
current, stop_current = _own.current, _own.stop
