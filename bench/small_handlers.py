"""Handlers as small as they can be: what they cost is what the portal adds to a handler.

Messages are handled in order by chat, so these are as well.
"""

from typing import TYPE_CHECKING

from django.db import connection

from bench.work import INSERT, NOTHING, NOTHING_ASYNC, ONE_ROW
from events import on

if TYPE_CHECKING:
    from bots.models import Bot
    from events.models import Event


def chat_of(event: "Event") -> object:
    return event.data["message"]["chat_id"]


@on(NOTHING, ordered_by=chat_of)
def nothing(event: "Event", bot: "Bot") -> None:
    """As most handlers are: sync, and atomic."""


@on(NOTHING_ASYNC, atomic=False, ordered_by=chat_of)
async def nothing_async(event: "Event", bot: "Bot") -> None:
    """On an event loop."""


@on(ONE_ROW, ordered_by=chat_of)
def one_row(event: "Event", bot: "Bot") -> None:  # noqa: ARG001 -- a handler's signature
    """Writes a row in the transaction in which the run ends."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [event.event_id, event.event_type, bytes(event.payload).decode()])
