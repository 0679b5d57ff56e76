"""The deliverer: pushes events to subscriptions, in every worker process, beside the handlers and never in their way.

One thread reads and writes the database; the requests themselves are many at once on an event loop of their own. The
rows are the truth: a task message only wakes it. No receiver gets more than a few requests at once, so that one that is
slow delays nobody else, and holds neither a thread nor a database connection.
"""

import asyncio
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from django.conf import settings
from django.db import Error, connection

from core.background.per_process import OnePerProcess
from events.models import Delivery
from events.models.claims import LEASE
from events.subscriptions import push
from events.subscriptions.http.networks import Networks
from events.subscriptions.http.post import PushRequest, PushResult, post

if TYPE_CHECKING:
    from uuid import UUID

logger = logging.getLogger("events.subscriptions.pusher")

PER_SUBSCRIPTION = 4  # requests at once in one process
RENEW_EVERY = LEASE.total_seconds() / 3
STOP_SECONDS = 8.0
Post: TypeAlias = Callable[[PushRequest], Awaitable[PushResult]]


class Deliverer:
    """One for a process. ``step`` is what the thread does again and again; tests call it themselves."""

    def __init__(self, *, send: Post | None = None, places: int | None = None) -> None:
        networks = Networks.parse(settings.DELIVERY_NETWORKS)
        self._send = send or (lambda request: post(request, networks=networks))
        self._places = settings.DELIVERY_CALLS if places is None else places
        self._under_way: dict[int, Delivery] = {}
        self._inside: Counter[UUID] = Counter()
        self._results: queue.SimpleQueue[tuple[Delivery, PushResult]] = queue.SimpleQueue()
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._renewed = time.monotonic()
        self._thread: threading.Thread | None = None
        self._loop = asyncio.new_event_loop()
        self._loop_thread = threading.Thread(target=self._run_loop, name="deliveries", daemon=True)
        self._loop_thread.start()

    # --- life

    def start(self) -> None:
        """Start the thread; once."""
        self._thread = threading.Thread(target=self._work, name="deliverer", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to push."""
        self._wanted.set()

    def stop(self) -> None:
        """Claim nothing more, wait for answers that come soon, and put back the rest."""
        if self._loop.is_closed():
            return
        self._stopping.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=STOP_SECONDS)
        until = time.monotonic() + STOP_SECONDS
        while self.busy and time.monotonic() < until:
            self._wanted.wait(0.05)
            self._wanted.clear()
            self._guarded(self._settle)
        for delivery in list(self._under_way.values()):
            # A request may have arrived: it is sent again rather than lost.
            self._guarded(lambda one=delivery: Delivery.objects.release(one))  # type: ignore[misc]
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._loop_thread.join(timeout=1)
        connection.close()

    @property
    def busy(self) -> int:
        """How many requests are under way."""
        return len(self._under_way)

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._guarded(self.step)
            wait = self._seconds_to_wait()
            if not self._under_way:
                connection.close()
            self._wanted.wait(wait)
            self._wanted.clear()

    def _guarded(self, do: Callable[[], object]) -> None:
        """The database may be away: everything is tried again a moment later."""
        try:
            do()
        except Exception:
            # Whatever it was, the thread goes on: nobody else pushes for this process.
            logger.exception("deliverer_failed")
            connection.close()

    # --- work

    def step(self) -> None:
        """Note what came back, and push what is due and has a place."""
        self._settle()
        self._renew()
        for delivery in push.claim_abandoned(self._free):
            if push.may_be_sent(delivery):
                self._begin(delivery)
            else:
                Delivery.objects.release(delivery)
        if not self._free:
            return
        for subscription_id in push.waiting_subscriptions():
            places = min(self._free, PER_SUBSCRIPTION - self._inside[subscription_id])
            if places > 0:
                for delivery in push.claim_for(subscription_id, limit=places):
                    self._begin(delivery)

    @property
    def _free(self) -> int:
        return max(0, self._places - len(self._under_way))

    def _begin(self, delivery: Delivery) -> None:
        if delivery.attempts > push.TRIES:
            push.end_lost(delivery)
            return
        self._under_way[delivery.pk] = delivery
        self._inside[delivery.subscription_id] += 1
        try:
            request = push.request_of(delivery)
        except Exception as error:
            # An event that cannot be read, or a secret that cannot be opened.
            logger.exception("push_request_not_built", extra={"delivery": delivery.pk})
            self._report(delivery, PushResult(None, error=f"{type(error).__name__}: {error}"))
            return
        asyncio.run_coroutine_threadsafe(self._push(delivery, request), self._loop)

    async def _push(self, delivery: Delivery, request: PushRequest) -> None:
        """On the event loop."""
        try:
            result = await self._send(request)
        except Exception as error:
            logger.exception("delivery_failed", extra={"delivery": delivery.pk})
            result = PushResult(None, error=type(error).__name__)
        self._report(delivery, result)

    def _report(self, delivery: Delivery, result: PushResult) -> None:
        self._results.put((delivery, result))
        self._wanted.set()

    def _settle(self) -> None:
        while True:
            try:
                delivery, result = self._results.get_nowait()
            except queue.Empty:
                return
            try:
                push.settle(delivery, result)
            finally:
                self._under_way.pop(delivery.pk, None)
                self._inside[delivery.subscription_id] -= 1

    def _renew(self) -> None:
        now = time.monotonic()
        if self._under_way and now - self._renewed >= RENEW_EVERY:
            Delivery.objects.renew([(one.pk, one.claim_id) for one in self._under_way.values()])
            self._renewed = now

    def _seconds_to_wait(self) -> float:
        longest = float(settings.SWEEP_SECONDS)
        if not self._free:
            return longest
        try:
            return max(0.05, min(longest, push.seconds_to_next()))
        except Error:
            return longest


_own = OnePerProcess(Deliverer)
current, stop_current = _own.current, _own.stop
