"""Storing events, dispatching and executing their runs in the test's own thread, and waiting for those of others."""

import json
import time
from collections.abc import Sequence
from typing import Any

from bots.models import Bot
from events.clicks.records import hand_over
from events.enums import Arrived, EventStatus
from events.handling import execution
from events.handling.claims import release
from events.handling.completion import note_ends
from events.handling.concurrency import ConcurrencyLimit, RunDurations
from events.handling.ordering import promote_next
from events.handling.registry import Registration, handler_named
from events.handling.scheduler import Scheduled, schedule
from events.handling.switches import is_switched_on, switches_of
from events.ingress.incoming import read_event
from events.ingress.store_once import store
from events.models import Delivery, Event, HandlerRun
from tests.factories import click_event, make_bot, message_event
from tests.services.processes import PATIENCE


def stored_event(payload: Any = None, *, bot: Bot | None = None) -> Event:
    body = json.dumps(payload or message_event()).encode()
    [stored] = store([read_event(bot_id=(bot or make_bot()).pk, payload=body, arrived_by=Arrived.WEBSOCKET)])
    return Event.objects.get(pk=stored.event_pk)


def handed_over_click(bot: Bot, **value: Any) -> Event:
    """A click that was answered before anybody could begin with it, and waits for the workers."""
    event = stored_event(click_event(value={"action": "approve"} | value), bot=bot)
    hand_over([event.pk])
    event.refresh_from_db()
    return event


def scheduled(
    bots: Sequence[Bot], *, most: int = 64, limit: ConcurrencyLimit | None = None, **options: Any
) -> Scheduled:
    """Dispatch for these bots and claim what ``most`` threads may run, one run each."""
    pks = [bot.pk for bot in bots]
    return schedule(pks, most=most, limit=limit or ConcurrencyLimit(128), durations=RunDurations(), **options)


def claimed(bots: Sequence[Bot], **options: Any) -> list[HandlerRun]:
    """The runs that ``scheduled`` claims."""
    return [run for batch in scheduled(bots, **options).batches for run in batch.runs]


def dispatched(event: Event) -> list[HandlerRun]:
    """Dispatch the event's bot without running anything."""
    scheduled([event.bot], most=0)
    return list(event.handler_runs.order_by("pk"))


def fanned_out(event: Event) -> list[Delivery]:
    """Dispatch the event's bot; the event's deliveries to subscriptions."""
    dispatched(event)
    return list(event.deliveries.order_by("pk"))


def run_due(bot: Bot, *, limit: int = 64) -> list[HandlerRun]:
    """Dispatch for a bot, then claim and run what is due once."""
    runs = claimed([bot], most=limit)
    for one in runs:
        execute(one)
    return runs


def execute(claimed_run: HandlerRun) -> None:
    """Make the attempt of a claimed run, and write its end."""
    registered = handler_named(claimed_run.handler)
    is_on = registered is None or is_switched_on(registered, switches_of(claimed_run.bot_id))
    answer = execution.admit(claimed_run, is_on=is_on)
    if isinstance(answer, Registration):
        executed = execution.execute(claimed_run, answer)
        if executed.end:
            note_ends([executed.end])
        if executed.put_off:
            HandlerRun.objects.release(claimed_run, after=executed.put_off)
        promote_next(executed.freed)
        return
    if answer is None:
        release([claimed_run])
    else:
        note_ends([answer])


def handle(event: Event) -> Event:
    """Dispatch and run what is due for the event's bot; the event as it is then."""
    run_due(event.bot)
    event.refresh_from_db()
    return event


def until(condition, what: str, seconds: float = PATIENCE) -> None:
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
