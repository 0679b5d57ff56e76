"""Traces of events: the first step is an event's way in, those below it are its handlers and deliveries."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from core.tracing import NO_SPAN, Origin, Side, Span, is_tracing, note_origin, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.ingress.incoming import IncomingEvent
    from events.ingress.store_once import Stored
    from events.models import Delivery, Event, HandlerRun


def note_stored(events: "Sequence[IncomingEvent]", results: "Sequence[Stored]") -> None:
    """These events are committed; those that were known before have their trace."""
    if not is_tracing():
        return
    for event, stored in zip(events, results, strict=True):
        if stored.event_pk is not None:
            note_origin(
                Origin.of_event(event.bot_id, event.dedupe_key),
                f"receive {event.event_type or 'unreadable'}",
                began=event.received_at,
                facts={
                    "messaging.system": "feishu",
                    "messaging.message.id": event.event_id,
                    "feishu.bot": str(event.bot_id),
                    "feishu.log_id": event.trace_id,
                    "feishu.arrived_by": event.arrived_by.value,
                },
            )


def handling(run: "HandlerRun") -> AbstractContextManager[Span]:
    """One attempt of a handler."""
    if not is_tracing():
        return NO_SPAN
    facts = {
        "feishu.app_id": run.event.bot.app_id,
        "feishu.handler": run.handler,
        "feishu.attempt": run.attempts,
    }
    return span(f"handle {run.handler}", Side.CONSUMER, origin=_origin(run.event), facts=facts)


def delivering(delivery: "Delivery") -> AbstractContextManager[Span]:
    """One attempt to push an event to a subscription."""
    if not is_tracing():
        return NO_SPAN
    facts = {"feishu.app_id": delivery.event.bot.app_id, "feishu.subscription": str(delivery.subscription_id)}
    return span("deliver", Side.PRODUCER, origin=_origin(delivery.event), facts=facts)


def _origin(event: "Event") -> Origin:
    return Origin.of_event(event.bot_id, event.dedupe_key)
