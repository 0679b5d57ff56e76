"""The callback lane: a click is answered within the platform's three seconds, whatever its handler does.

The handler runs on a thread. If it is not done in time the user sees "processing", and the card it returns later is put
in place with the click's own token.
"""

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import Error, connection
from django.utils import timezone

from events.enums import EventStatus
from events.models import Event
from events.registry import call, card_handler_of
from feishu.cards import callback_response, toast
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI
from feishu.text import Text
from feishu_portal.access.storable import storable

logger = logging.getLogger("events.callbacks")

BUDGET = (
    2.3  # seconds from the click's arrival to its answer, storing included; the platform gives up after 3
)
THREADS = 16

NOTHING: dict[str, Any] = {}
PROCESSING = callback_response(toast=toast("info", Text("处理中，请稍候…", "Working on it…")))
FAILED = callback_response(
    toast=toast("error", Text("处理失败，请稍后再试。", "That did not work. Please try again later."))
)


class CallbackLane:
    """Runs card handlers and answers clicks."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="callback")
        self._late: set[asyncio.Task[None]] = set()

    async def answer(self, event_pk: int, *, budget: float = BUDGET) -> bytes:
        """The JSON that answers the click stored as ``event_pk``, at most ``budget`` seconds from now."""
        work = asyncio.get_running_loop().run_in_executor(self._threads, _handle, event_pk)
        try:
            answer = await asyncio.wait_for(asyncio.shield(work), timeout=budget)
        except TimeoutError:
            late = asyncio.create_task(self._finish_late(event_pk, work))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
            answer = PROCESSING
        return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()

    async def _finish_late(self, event_pk: int, work: "asyncio.Future[dict[str, Any]]") -> None:
        answer = await work
        if card := answer.get("card"):
            await asyncio.get_running_loop().run_in_executor(self._threads, _update_card, event_pk, card)

    async def close(self) -> None:
        """Wait for clicks that are still being handled, bounded."""
        if self._late:
            await asyncio.wait(self._late, timeout=5)
        self._threads.shutdown(wait=False, cancel_futures=True)


def _handle(event_pk: int) -> dict[str, Any]:
    """Run the click's handler; never raises."""
    status, error, answer = EventStatus.DONE, "", NOTHING
    try:
        event = Event.objects.select_related("bot").get(pk=event_pk)
        handler = card_handler_of(_action_of(event.data))
        if handler is None:
            status = EventStatus.IGNORED
        else:
            answer = call(handler, event, event.bot) or NOTHING
    except Exception as caught:
        logger.exception("card_handler_failed", extra={"event_pk": event_pk})
        status, error, answer = EventStatus.DEAD, storable(f"{type(caught).__name__}: {caught}", 500), FAILED
    try:
        Event.objects.filter(pk=event_pk).update(status=status, error=error, finished_at=timezone.now())
    except Error:
        logger.exception("click_not_noted", extra={"event_pk": event_pk})
    finally:
        connection.close()
    return answer


def _action_of(data: dict[str, Any]) -> str:
    value = (data.get("action") or {}).get("value")
    return str(value.get("action", "")) if isinstance(value, dict) else ""


def _update_card(event_pk: int, card: dict[str, Any]) -> None:
    try:
        event = Event.objects.select_related("bot").get(pk=event_pk)
        OpenAPI(event.bot.credentials).update_card_by_token(event.data["token"], card["data"])
    except FeishuError as error:
        logger.warning("late_card_not_updated", extra={"event_pk": event_pk, "error": str(error)})
    except Exception:
        logger.exception("late_card_not_updated", extra={"event_pk": event_pk})
    finally:
        connection.close()
