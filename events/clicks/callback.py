"""A callback between the event loop that answers it and the thread that runs its handler."""

import asyncio
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from events.handling.registry import handler_of_callback
from events.ingress.incoming import IncomingEvent
from feishu.cards import Json

if TYPE_CHECKING:
    from events.handling.threads import Job
    from events.models import Delivery, HandlerRun


class Callback:
    """A callback that is being answered. Made in the event loop; ``set_answer`` is for the handler's thread."""

    def __init__(self, event_pk: int, event: IncomingEvent) -> None:
        self.event_pk = event_pk
        self.event_type = event.event_type
        self.action = event.action
        self.handler = handler_of_callback(event.event_type, event.action)
        self.key = (event.bot_id, self.handler.name if self.handler else "")
        """What it counts as under the concurrency limit: callbacks of a bot without a handler share one place in it, whatever
        their actions are, so that a slow receiver leaves threads to handlers."""
        self.facts = {"bot": str(event.bot_id), "event_id": event.event_id, "event_pk": event_pk}
        """For log lines."""
        self.began_at = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = self._loop.create_future()
        self.answer: asyncio.Future[Json] = self._loop.create_future()
        self.disabled_card: asyncio.Future[Json | None] | None = None
        self.job: Job | None = None
        self.work: HandlerRun | Delivery | None = None
        """What was begun for it: its handler's run, or a delivery to the receiver that is asked."""
        self._lock = threading.Lock()
        self._is_done = False
        self._late_since: float | None = None

    def set_answer(self, answer: Json) -> float | None:
        """Called once, on the handler's thread. None when the answer is in time, else since when the person waits, on the
        monotonic clock."""
        with self._lock:
            self._is_done = True
            late_since = self._late_since
        with suppress(RuntimeError):  # the process is ending, and its event loop is closed
            self._loop.call_soon_threadsafe(self._resolve, answer)
        return late_since

    def set_late(self) -> bool:
        """The time is over; False when the answer came at the last moment."""
        with self._lock:
            if not self._is_done:
                self._late_since = time.monotonic()
            return not self._is_done

    def _resolve(self, answer: Json) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)
