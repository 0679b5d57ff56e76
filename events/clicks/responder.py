"""Answering callbacks within the time the platform waits, whatever their handlers do.

A handler runs on a thread of this process; where none is on, an internal system is asked from there, if a subscription
answers the callback. If neither is done in time the person sees "processing", and the card that comes later replaces the
one that was clicked. If it cannot even begin in time, because all threads are taken, the callback is handed to the workers,
which do the same. A handler past its own time is noted as such and left behind: it holds up neither another callback nor
the end of the process.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import Error

from core.database.errors import described
from core.database.thread import DatabaseThread
from core.log_context import log_context
from core.log_pace import THINNED
from events.clicks.answers import FAILED, NOTHING, PROCESSING, UNHANDLED, encoded
from events.clicks.callback import Callback
from events.clicks.lookup import ClickedCards
from events.clicks.records import begin_run, end_ignored, hand_over, note_answered_late
from events.clicks.updates import show_late_answer
from events.enums import DeliveryStatus, RunFailure
from events.handling import execution
from events.handling.completion import note_ends
from events.handling.concurrency import ConcurrencyLimit, Place
from events.handling.switches import is_switched_on, switches_of
from events.handling.threads import HandlerThreads
from events.ingress.incoming import IncomingEvent
from events.log.sentences import HANDLER_STOPPED
from events.metrics import count_attempt, count_rescue
from events.models import Delivery, Event, HandlerRun
from events.notify import notify_worker
from events.subscriptions import push
from events.subscriptions.answering import ask, begin_asking
from events.subscriptions.http import failures
from events.subscriptions.http.post import PushResult
from feishu.callbacks import OLD_CARD_CALLBACK
from feishu.cards import Json, callback_response

logger = logging.getLogger(__name__)

MAX_WAITING = 2_000  # callbacks that wait for a thread
CLOSE_SECONDS = 5.0  # that handlers get to finish when the process ends
STATEMENT_SECONDS = 10.0  # for a statement of the responder's own
CARD_SECONDS = 1.0
"""From a click until it is answered without its disabled buttons, if the platform does not show the card sooner."""
UPDATE_DELAY = 0.5
"""Seconds between a late click's answer and its card: the platform wants them in this order."""


class CallbackResponder:
    """Runs the handlers of callbacks and answers in time. Lives in one event loop."""

    def __init__(self) -> None:
        self._limit = ConcurrencyLimit(settings.CALLBACK_THREADS)
        self._threads = HandlerThreads("callback")
        self._cards = ClickedCards()
        self._database = DatabaseThread("callback-db", patience=STATEMENT_SECONDS)
        self._waiting: dict[int, Callback] = {}
        self._running: dict[int, Callback] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._to_hand_over: list[int] = []
        self._handing_over: asyncio.Task[None] | None = None

    async def answer(self, event_pk: int, event: IncomingEvent, *, deadline: float) -> bytes:
        """The JSON that answers the callback stored as ``event_pk``, until ``deadline`` on the monotonic clock."""
        callback = Callback(event_pk, event)
        if event.event_type == OLD_CARD_CALLBACK:
            callback.set_late()  # a card of today is no answer to it: it replaces the old one behind the answer
        elif event.is_single_use:
            callback.disabled_card = self._cards.look_up(event_pk)
        if not await self._start_in_time(callback, deadline):
            self.hand_over(event_pk)
            count_rescue(event.bot_id)
            return encoded(PROCESSING, event.event_type)
        try:
            answer = await asyncio.wait_for(asyncio.shield(callback.answer), deadline - time.monotonic())
        except TimeoutError:
            is_late = callback.set_late()
            answer = PROCESSING if is_late else await callback.answer
            if is_late:
                count_rescue(event.bot_id)
            self._spawn(self._write(note_answered_late, [event_pk]))
        answer = await self._with_disabled_buttons(callback, answer, deadline)
        return encoded(answer, event.event_type)

    def hand_over(self, event_pk: int) -> None:
        """Give a callback that was answered before its handler began to the workers."""
        self._to_hand_over.append(event_pk)
        if self._handing_over is None or self._handing_over.done():
            self._handing_over = asyncio.create_task(self._hand_over())

    async def _hand_over(self) -> None:
        while self._to_hand_over:
            event_pks, self._to_hand_over = self._to_hand_over, []
            await self._write(hand_over, event_pks)
            await asyncio.to_thread(notify_worker)

    async def _with_disabled_buttons(self, callback: Callback, answer: Json, deadline: float) -> Json:
        """The first click on a single-use button shows it as clicked, unless the handler has a card of its own."""
        if callback.disabled_card is None or callback.work is None or answer is FAILED or "card" in answer:
            return answer
        seconds = min(deadline, callback.began_at + CARD_SECONDS) - time.monotonic()
        card = None
        with suppress(TimeoutError):
            card = await asyncio.wait_for(asyncio.shield(callback.disabled_card), max(0.0, seconds))
        return answer if card is None else answer | callback_response(card=card)

    # --- running handlers

    async def _start_in_time(self, callback: Callback, deadline: float) -> bool:
        """Start the handler as soon as there is a thread for it; False when the time is over before."""
        if time.monotonic() >= deadline or len(self._waiting) >= MAX_WAITING:
            return False
        if not self._waiting and (place := self._limit.take(callback.key)):
            self._start(callback, place)
            return True
        self._waiting[callback.event_pk] = callback
        self._start_waiting()
        try:
            await asyncio.wait_for(asyncio.shield(callback.started), deadline - time.monotonic())
        except TimeoutError:
            return self._waiting.pop(callback.event_pk, None) is None
        return True

    def _start_waiting(self) -> None:
        if not self._limit.free:
            return
        for callback in list(self._waiting.values()):
            if place := self._limit.take(callback.key):
                del self._waiting[callback.event_pk]
                self._start(callback, place)

    def _start(self, callback: Callback, place: Place) -> None:
        self._running[callback.event_pk] = callback
        callback.job = self._threads.start(lambda: self._handle(callback))
        if not callback.started.done():
            callback.started.set_result(None)
        self._spawn(self._watch(callback, place))

    def _handle(self, callback: Callback) -> None:
        """On the callback's thread."""
        with log_context(**callback.facts):
            self._handle_callback(callback)

    def _handle_callback(self, callback: Callback) -> None:
        try:
            answer = _handled(callback)
        except Exception:
            logger.exception("callback_failed", extra={"event_pk": callback.event_pk})
            answer = FAILED
        late_since = callback.set_answer(answer)
        if late_since is not None and callback.work is not None and answer is not FAILED:
            time.sleep(max(0.0, late_since + UPDATE_DELAY - time.monotonic()))
            show_late_answer(callback.work.event, answer)

    async def _watch(self, callback: Callback, place: Place) -> None:
        """Until the handler is done or past its time; then another callback may have its place."""
        seconds = settings.HANDLER_SECONDS if callback.handler is None else callback.handler.seconds
        try:
            await asyncio.wait_for(asyncio.shield(callback.answer), seconds)
        except TimeoutError:
            logger.error("callback_handler_timed_out", extra=callback.facts)  # noqa: TRY400 -- its own time
            self._leave_thread(callback)
            if isinstance(callback.work, HandlerRun) and callback.handler is not None:
                await self._write(note_ends, [execution.timed_out(callback.work, callback.handler)])
            elif isinstance(callback.work, Delivery):
                no_answer = PushResult(None, error=failures.NO_ANSWER(seconds=f"{seconds:g}"))
                await self._write(push.settle, callback.work, no_answer)
        finally:
            self._running.pop(callback.event_pk, None)
            place.release()
            self._start_waiting()

    def _leave_thread(self, callback: Callback) -> None:
        if callback.job is not None:
            self._threads.leave(callback.job)

    # --- behind the answer

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it beside the answer; ``close`` waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, function: Callable[..., object], *arguments: object) -> None:
        try:
            await self._database.run(function, *arguments)
        except Error as error:
            # The sweep ends what stands open.
            logger.warning("callback_not_noted", extra=described(error) | THINNED)

    async def close(self) -> None:
        """Give handlers a moment, note those that did not come to an end, and leave their threads behind."""
        try:
            for event_pk in list(self._waiting):
                del self._waiting[event_pk]
                self.hand_over(event_pk)
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
            for callback in list(self._running.values()):
                self._leave_thread(callback)
                if isinstance(callback.work, HandlerRun):
                    stopped = execution.failed(
                        callback.work, RunFailure.WORKER_LOST, HANDLER_STOPPED(), final=True
                    )
                    await self._write(note_ends, [stopped])
                elif isinstance(callback.work, Delivery):
                    await self._write(push.end_lost, callback.work, failures.STOPPED())
            if self._handing_over is not None:
                await asyncio.wait([self._handing_over], timeout=CLOSE_SECONDS)
        finally:
            self._threads.close()
            self._cards.close()
            for task in self._tasks:
                task.cancel()
            await self._database.close()


def _handled(callback: Callback) -> Json:
    """The answer of the callback's handler; where none is on, of the receiver that is asked."""
    event = Event.objects.select_related("bot").get(pk=callback.event_pk)
    handler = callback.handler
    if handler is None or not is_switched_on(handler, switches_of(event.bot_id)):
        return _asked(callback, event)
    callback.work = run = begin_run(event, handler)
    started = time.monotonic()
    executed = execution.execute(run, handler)
    count_attempt(run, seconds=time.monotonic() - started, succeeded=executed.succeeded)
    if executed.end is not None:
        # Before the answer: who is told that it failed clicks again, and that click has to count.
        try:
            note_ends([executed.end])
        except Error as error:
            logger.warning("callback_not_noted", extra=described(error) | THINNED)
    if not executed.succeeded:
        return FAILED
    return executed.result if isinstance(executed.result, dict) else NOTHING


def _asked(callback: Callback, event: Event) -> Json:
    callback.work = delivery = begin_asking(event)
    if delivery is None:
        end_ignored(event, callback.action)
        return UNHANDLED
    answer = ask(delivery) if delivery.status == DeliveryStatus.RUNNING else None
    return FAILED if answer is None else answer
