"""What is written about a callback, apart from how its handler's run ends."""

import logging
import uuid
from collections.abc import Sequence

from django.utils import timezone

from core.database.clock import DatabaseTime
from core.database.text import storable
from events.clicks.updates import reopen_button
from events.enums import EventStatus, RunStatus
from events.handling.registry import Registration
from events.log.sentences import NO_HANDLER, NO_HANDLER_FOR_CLICK
from events.models import Event, HandlerRun
from events.subscriptions.http.failures import UNANSWERED
from feishu.callbacks import CLICKS
from feishu.card_buttons import is_single_use

logger = logging.getLogger(__name__)

LEASE_SECONDS = 30.0
"""How much longer than its handler's time a run is leased, so that nobody has to renew the lease."""


def begin_run(event: Event, handler: Registration) -> HandlerRun:
    """The handler's run, claimed from the start by the process that answers the callback."""
    run = HandlerRun.objects.create(
        event=event,
        bot_id=event.bot_id,
        handler=handler.name,
        status=RunStatus.RUNNING,
        attempts=1,
        claim_id=uuid.uuid4(),
        lease_until=DatabaseTime(handler.seconds + LEASE_SECONDS),
        started_at=timezone.now(),
    )
    run.event = event
    return run


def end_ignored(event: Event, action: str) -> None:
    """The callback has no handler that is on, and no subscription answers it: the event says for which action one is
    missing."""
    is_click = event.event_type in CLICKS
    error = NO_HANDLER_FOR_CLICK(action=action) if is_click else NO_HANDLER(type=event.event_type)
    logger.warning("callback_without_handler", extra={"event_pk": event.pk, "event_type": event.event_type})
    Event.objects.filter(pk=event.pk).update(
        status=EventStatus.IGNORED,
        finished_at=timezone.now(),
        error=storable(error, 500),
    )


def end_asked(event: Event, *, answered: bool) -> None:
    """The subscription that answers the callback has done so, or has not; then a button that counts once counts again.
    Belongs to the transaction that ends its delivery."""
    row = Event.objects.filter(pk=event.pk, status=EventStatus.DISPATCHED)
    if answered:  # where its card could not be shown, the event says so
        row.update(status=EventStatus.DONE, finished_at=timezone.now())
        return
    ended = row.update(status=EventStatus.DEAD, finished_at=timezone.now(), error=UNANSWERED())
    if ended and is_single_use(event.dedupe_key):
        reopen_button(event.pk)


def note_answered_late(event_pks: Sequence[int]) -> None:
    """The person was told to wait, because the handler was not done in time."""
    Event.objects.filter(pk__in=event_pks).update(answered_late=True)


def hand_over(event_pks: Sequence[int]) -> None:
    """Callbacks that were answered before a handler could begin go to the workers."""
    Event.objects.filter(pk__in=event_pks, status=EventStatus.DISPATCHED).update(
        status=EventStatus.RECEIVED, answered_late=True
    )
