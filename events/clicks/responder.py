"""The callback lane: a click is answered within the platform's three seconds, whatever its handler does.

The handler runs on a thread of this process. If it is not done in time the person sees "processing", and the card it
returns later is put in place. If it cannot even begin in time, because all threads are taken, the click is handed to
the workers, which do the same. A handler past its own time is noted as such and left behind; it keeps nobody, neither
another click nor the end of the process.
"""

import asyncio
import json
import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import Error
from django.utils import timezone

from core.database.clock import DatabaseTime
from core.database.thread import DatabaseThread
from events.clicks.lookup import ClickedCards
from events.clicks.updates import show_late_answer
from events.enums import EventStatus, RunFailure, RunStatus
from events.handling import execution
from events.handling.concurrency import HandlerRoom, Whose
from events.handling.registry import Registration, answerer_of
from events.handling.switches import runs, switches_of
from events.handling.threads import HandlerThreads, Job
from events.ingress.incoming import Arrival
from events.models import Event, HandlerRun
from events.notify import notify_worker
from feishu.cards import Json, callback_response, toast
from feishu.envelope import OLD_CARD_CALLBACK
from feishu.text import Text

logger = logging.getLogger("events.clicks.responder")

BUDGET = (
    2.2  # seconds from the click's arrival to its answer, storing included; the platform gives up after 3
)
MAX_WAITING = 2_000  # clicks that wait for a thread
CLOSE_SECONDS = 5.0  # that handlers get to finish when the process ends
PATIENCE = 10.0  # seconds for a statement of the lane's own
CARD_SECONDS = (
    1.0  # from a click until it is answered without its card, if the platform does not show it sooner
)
BEFORE_CARD = 0.5  # seconds between a late click's answer and its card: the platform wants them in this order

NOTHING: dict[str, Any] = {}
PROCESSING = callback_response(toast=toast("info", Text("处理中，请稍候…", "Working on it…")))
FAILED = callback_response(
    toast=toast("error", Text("处理失败，请稍后再试。", "That did not work. Please try again later."))
)
ALREADY = callback_response(
    toast=toast(
        "info", Text("已经点击过了，无需重复操作。", "This was clicked already. There is nothing else to do.")
    )
)
STOPPED = "The portal was stopped while the handler was running."


class Click:
    """A click on its way: stored, waiting for a thread or handled on one."""

    def __init__(self, event_pk: int, whose: Whose) -> None:
        self.event_pk = event_pk
        self.whose = whose
        loop = asyncio.get_running_loop()
        self.loop = loop
        self.begun: asyncio.Future[None] = loop.create_future()
        self.answer: asyncio.Future[dict[str, Any]] = loop.create_future()
        self.card: asyncio.Future[Json | None] | None = None
        self.since = time.monotonic()
        self.job: Job | None = None
        self.delivery: HandlerRun | None = None
        self.handler: Registration | None = None
        self._lock = threading.Lock()
        self._late_since: float | None = None
        self._is_done = False

    def set_answer(self, answer: dict[str, Any]) -> float | None:
        """From the handler's thread: here is the answer. None when it is in time, else when the person was told to
        wait."""
        with self._lock:
            self._is_done = True
            late_since = self._late_since
        with suppress(RuntimeError):  # the process is ending, and its event loop is closed
            self.loop.call_soon_threadsafe(self._resolve, answer)
        return late_since

    def be_late(self) -> bool:
        """The time is over; False when the answer came at the last moment."""
        with self._lock:
            if not self._is_done:
                self._late_since = time.monotonic()
            return not self._is_done

    def _resolve(self, answer: dict[str, Any]) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


class CallbackLane:
    """Runs card handlers and answers clicks."""

    def __init__(self) -> None:
        self._room = HandlerRoom(settings.CALLBACK_THREADS)
        self._threads = HandlerThreads("callback")
        self._cards = ClickedCards()
        self._database = DatabaseThread("callback-db", patience=PATIENCE)
        self._waiting: OrderedDict[int, Click] = OrderedDict()
        self._handled: dict[int, Click] = {}
        self._watches: set[asyncio.Task[None]] = set()
        self._late: list[int] = []
        self._handing_over: asyncio.Task[None] | None = None

    async def answer(self, event_pk: int, arrival: Arrival, *, budget: float = BUDGET) -> bytes:
        """The JSON that answers the click stored as ``event_pk``, at most ``budget`` seconds from now."""
        until = time.monotonic() + budget
        click = Click(event_pk, (arrival.bot_id, arrival.action))
        if arrival.event_type == OLD_CARD_CALLBACK:
            click.be_late()  # a card of today is no answer to it, so it is put in place behind the answer
        elif arrival.once:
            click.card = self._cards.look(event_pk)
        answer = PROCESSING
        if await self._begin(click, until):
            try:
                answer = await asyncio.wait_for(asyncio.shield(click.answer), until - time.monotonic())
            except TimeoutError:
                answer = PROCESSING if click.be_late() else await click.answer
                self._note_late(event_pk)
            answer = await self._with_spent_buttons(click, answer, until)
        else:
            self._hand_over(event_pk)
        return _as_json(answer)

    async def _with_spent_buttons(self, click: Click, answer: Json, until: float) -> Json:
        """The first click on a button that counts once shows it as clicked, unless the handler has a card of its own."""
        if click.card is None or click.handler is None or answer is FAILED or "card" in answer:
            return answer
        patience = min(until, click.since + CARD_SECONDS) - time.monotonic()
        card = None
        with suppress(TimeoutError):
            card = await asyncio.wait_for(asyncio.shield(click.card), max(0.0, patience))
        return answer if card is None else answer | callback_response(card=card)

    async def _begin(self, click: Click, until: float) -> bool:
        """Start handling as soon as there is a thread; False when the time is over before."""
        if time.monotonic() >= until or len(self._waiting) >= MAX_WAITING:
            return False
        if self._room.admits(click.whose) and not self._waiting:
            self._start(click)
            return True
        self._waiting[click.event_pk] = click
        self._start_waiting()
        try:
            await asyncio.wait_for(asyncio.shield(click.begun), until - time.monotonic())
        except TimeoutError:
            return self._waiting.pop(click.event_pk, None) is None
        return True

    def _start_waiting(self) -> None:
        if not self._room.free:
            return
        for click in [one for one in self._waiting.values() if self._room.admits(one.whose)]:
            if self._room.admits(click.whose):
                del self._waiting[click.event_pk]
                self._start(click)

    def _start(self, click: Click) -> None:
        self._room.enter(click.whose)
        self._handled[click.event_pk] = click
        click.job = self._threads.start(lambda: self._handle(click))
        if not click.begun.done():
            click.begun.set_result(None)
        watch = asyncio.create_task(self._watch(click))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

    def _handle(self, click: Click) -> None:
        """On the click's thread."""
        try:
            answer = _handle(click)
        except Exception:
            logger.exception("click_failed", extra={"event_pk": click.event_pk})
            answer = FAILED
        late_since = click.set_answer(answer)
        if late_since is not None and click.delivery is not None:
            time.sleep(max(0.0, late_since + BEFORE_CARD - time.monotonic()))
            show_late_answer(click.delivery, answer)

    async def _watch(self, click: Click) -> None:
        """Until the handler is done or past its time; then its place is another's."""
        seconds = click_seconds(click.whose[1])
        try:
            await asyncio.wait_for(asyncio.shield(click.answer), seconds)
        except TimeoutError:
            await self._give_up(click)
        finally:
            self._handled.pop(click.event_pk, None)
            self._room.leave(click.whose)
            self._start_waiting()

    async def _give_up(self, click: Click) -> None:
        logger.error("card_handler_timed_out", extra={"event_pk": click.event_pk})
        if click.job is not None:
            self._threads.leave(click.job)
        if click.delivery is not None and click.handler is not None:
            await self._write(execution.time_out, click.delivery, click.handler)

    # --- what is done behind the answer

    def _note_late(self, event_pk: int) -> None:
        watch = asyncio.create_task(self._write(_note_rescued, [event_pk]))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

    def _hand_over(self, event_pk: int) -> None:
        """Many at once, when it is many."""
        self._late.append(event_pk)
        if self._handing_over is None or self._handing_over.done():
            self._handing_over = asyncio.create_task(self._hand_over_late())

    async def _hand_over_late(self) -> None:
        while self._late:
            event_pks, self._late = self._late, []
            await self._write(hand_over, event_pks)
            await asyncio.to_thread(notify_worker)

    async def _write(self, function: Any, *arguments: object) -> None:
        try:
            await self._database.run(function, *arguments)
        except Error as error:
            # The sweep ends what stands open.
            logger.warning("click_not_noted", extra={"error": type(error).__name__})

    async def close(self) -> None:
        """Give handlers a moment, note what did not come to an end, and leave it behind."""
        try:
            for event_pk in list(self._waiting):
                del self._waiting[event_pk]
                self._hand_over(event_pk)
            if self._watches:
                await asyncio.wait(self._watches, timeout=CLOSE_SECONDS)
            for click in list(self._handled.values()):
                await self._leave(click)
            if self._handing_over is not None:
                await asyncio.wait([self._handing_over], timeout=CLOSE_SECONDS)
        finally:
            self._threads.close()
            self._cards.close()
            for watch in self._watches:
                watch.cancel()
            await self._database.close()

    async def _leave(self, click: Click) -> None:
        if click.job is not None:
            self._threads.leave(click.job)
        if click.delivery is not None:
            await self._write(_note_stopped, click.delivery)


def again(arrival: Arrival) -> bytes:
    """The answer to a callback that is stored already."""
    return _as_json(ALREADY if arrival.once else NOTHING)


def _as_json(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def click_seconds(action: str) -> float:
    """How long the handler of clicks with this action may take."""
    handler = answerer_of("card.action.trigger", action)
    return settings.HANDLER_SECONDS if handler is None else handler.seconds


def _handle(click: Click) -> dict[str, Any]:
    """Find and run the click's handler; its answer."""
    event = Event.objects.select_related("bot").get(pk=click.event_pk)
    handler = answerer_of(event.event_type, click.whose[1])
    if handler is None or not runs(handler, switches_of(event.bot_id)):
        Event.objects.filter(pk=event.pk).update(status=EventStatus.IGNORED, finished_at=timezone.now())
        return NOTHING
    click.handler = handler
    click.delivery = _claimed(event, handler)
    done = execution.perform(click.delivery, handler)
    if done is None:
        return FAILED
    return done.result if isinstance(done.result, dict) else NOTHING


def _claimed(event: Event, handler: Registration) -> HandlerRun:
    """The click's delivery, begun here. Its lease outlasts the handler's time, so nobody has to renew it."""
    delivery = HandlerRun.objects.create(
        event=event,
        bot_id=event.bot_id,
        handler=handler.name,
        status=RunStatus.RUNNING,
        attempts=1,
        claim_id=uuid.uuid4(),
        lease_until=DatabaseTime(handler.seconds + 30),
        started_at=timezone.now(),
    )
    delivery.event = event
    return delivery


def _note_rescued(event_pks: Sequence[int]) -> None:
    Event.objects.filter(pk__in=event_pks).update(rescued=True)


def hand_over(event_pks: Sequence[int]) -> None:
    """Clicks that were answered before anybody could begin with them go to the workers."""
    Event.objects.filter(pk__in=event_pks, status=EventStatus.DISPATCHED).update(
        status=EventStatus.RECEIVED, rescued=True
    )


def _note_stopped(delivery: HandlerRun) -> None:
    execution.fail(delivery, RunFailure.WORKER_LOST, STOPPED, final=True)
