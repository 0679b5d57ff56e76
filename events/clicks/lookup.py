"""The cards behind clicks on buttons that count once, looked up while the handler runs.

An extra: where the platform does not show the card in time, the buttons stay as they are and a second click is told that
there is nothing else to do.
"""

import asyncio
import logging
from contextlib import suppress

from events.clicks.updates import spent_card
from events.handling.threads import HandlerThreads
from events.models import Event
from feishu.cards import Json

logger = logging.getLogger("events.clicks.responder")

MAX_LOOKING = 16  # look-ups at once; what is beyond is left out


class ClickedCards:
    """Used from one event loop; each look-up has a thread."""

    def __init__(self) -> None:
        self._threads = HandlerThreads("clicked-card")
        self._looking = 0

    def look(self, event_pk: int) -> asyncio.Future[Json | None]:
        """The card of that click with its buttons disabled, None where there is nothing to disable."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Json | None] = loop.create_future()
        if self._looking >= MAX_LOOKING:
            found.set_result(None)
            return found
        self._looking += 1

        def settle(card: Json | None) -> None:
            self._looking -= 1
            if not found.done():
                found.set_result(card)

        def work() -> None:
            card = None
            try:
                card = spent_card(Event.objects.select_related("bot").get(pk=event_pk))
            except Exception:
                logger.exception("clicked_card_not_looked_up", extra={"event_pk": event_pk})
            finally:
                with suppress(RuntimeError):  # the process is ending, and its event loop is closed
                    loop.call_soon_threadsafe(settle, card)

        self._threads.start(work)
        return found

    def close(self) -> None:
        self._threads.close()
