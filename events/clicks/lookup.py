"""The cards behind clicks on single-use buttons, looked up while the handler runs.

An optional extra: where the platform does not show the card in time, the buttons stay as they are, and a second click
is told that there is nothing else to do.
"""

import asyncio
import logging
from contextlib import suppress

from events.clicks.updates import disabled_card
from events.handling.threads import HandlerThreads
from events.models import Event
from feishu.cards import Json

logger = logging.getLogger(__name__)

MAX_LOOKUPS = 16
"""At once; a click beyond them is answered without."""


class ClickedCards:
    """Used from one event loop; each lookup has a thread."""

    def __init__(self) -> None:
        self._threads = HandlerThreads("clicked-card")
        self._lookups = 0

    def look_up(self, event_pk: int) -> asyncio.Future[Json | None]:
        """The card of that click with its single-use buttons disabled, None where there is nothing to disable."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Json | None] = loop.create_future()
        if self._lookups >= MAX_LOOKUPS:
            found.set_result(None)
            return found
        self._lookups += 1

        def resolve(card: Json | None) -> None:
            self._lookups -= 1
            if not found.done():
                found.set_result(card)

        def work() -> None:
            card = None
            try:
                card = disabled_card(Event.objects.select_related("bot").get(pk=event_pk))
            except Exception:
                logger.exception("clicked_card_lookup_failed", extra={"event_pk": event_pk})
            finally:
                with suppress(RuntimeError):  # the process is ending, and its event loop is closed
                    loop.call_soon_threadsafe(resolve, card)

        self._threads.start(work)
        return found

    def close(self) -> None:
        self._threads.close()
