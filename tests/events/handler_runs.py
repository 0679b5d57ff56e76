"""Storing events, dispatching and running deliveries in the test's own thread, and waiting for those of others."""

import json
import time
from typing import Any

from bots.models import Bot
from events.enums import Arrived, EventStatus
from events.handling import execution
from events.handling.concurrency import HandlerRoom
from events.handling.registry import handler_named
from events.handling.scheduler import serve
from events.handling.switches import runs, switches_of
from events.ingress.inbox import store
from events.ingress.incoming import read_event
from events.models import Delivery, Event, HandlerRun
from tests.factories import make_bot, message_event


def stored_event(payload: Any = None, *, bot: Bot | None = None) -> Event:
    body = json.dumps(payload or message_event()).encode()
    [stored] = store([read_event(bot_id=(bot or make_bot()).pk, payload=body, arrived_by=Arrived.WEBSOCKET)])
    return Event.objects.get(pk=stored.event_pk)


def dispatched(event: Event) -> list[HandlerRun]:
    """Dispatch the event's bot without running anything."""
    serve([event.bot_id], limit=0, room=HandlerRoom(64))
    return list(event.handler_runs.order_by("pk"))


def fanned_out(event: Event) -> list[Delivery]:
    """Dispatch the event's bot; the event's deliveries to subscriptions."""
    dispatched(event)
    return list(event.deliveries.order_by("pk"))


def run_due(bot: Bot, *, limit: int = 64) -> list[HandlerRun]:
    """Dispatch for a bot, then claim and run what is due once."""
    claimed = serve([bot.pk], limit=limit, room=HandlerRoom(128)).claimed
    for delivery in claimed:
        run(delivery)
    return claimed


def run(delivery: HandlerRun) -> None:
    """Run a delivery that is claimed."""
    registered = handler_named(delivery.handler)
    is_on = registered is None or runs(registered, switches_of(delivery.bot_id))
    if handler := execution.admit(delivery, is_on=is_on):
        execution.perform(delivery, handler)


def handle(event: Event) -> Event:
    """Dispatch and run what is due for the event's bot; the event as it is then."""
    run_due(event.bot)
    event.refresh_from_db()
    return event


def until(condition, what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so: {what}"
        time.sleep(0.02)


def write(bot=None, **values) -> Event:
    return stored_event(
        message_event(chat_id=values.pop("chat", f"oc_{time.monotonic_ns()}"), **values), bot=bot
    )


def done(event) -> bool:
    return Event.objects.get(pk=event.pk).status == EventStatus.DONE
