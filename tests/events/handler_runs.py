"""Storing events, dispatching and executing their runs in the test's own thread, and waiting for those of others."""

import json
import time
from typing import Any

from bots.models import Bot
from events.enums import Arrived, EventStatus
from events.handling import execution
from events.handling.concurrency import ConcurrencyLimit
from events.handling.registry import handler_named
from events.handling.scheduler import schedule
from events.handling.switches import is_switched_on, switches_of
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
    schedule([event.bot_id], most=0, limit=ConcurrencyLimit(64))
    return list(event.handler_runs.order_by("pk"))


def fanned_out(event: Event) -> list[Delivery]:
    """Dispatch the event's bot; the event's deliveries to subscriptions."""
    dispatched(event)
    return list(event.deliveries.order_by("pk"))


def run_due(bot: Bot, *, limit: int = 64) -> list[HandlerRun]:
    """Dispatch for a bot, then claim and run what is due once."""
    claimed = [one.run for one in schedule([bot.pk], most=limit, limit=ConcurrencyLimit(128)).runs]
    for one in claimed:
        execute(one)
    return claimed


def execute(run: HandlerRun) -> None:
    """Execute a run that is claimed."""
    registered = handler_named(run.handler)
    is_on = registered is None or is_switched_on(registered, switches_of(run.bot_id))
    if handler := execution.admit(run, is_on=is_on):
        execution.execute(run, handler)


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
