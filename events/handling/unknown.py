"""Handler runs whose handler this worker does not know: they wait for a worker that does.

During a rolling deployment one worker knows handlers that another does not, and each sees the runs of both. A worker
puts off what it does not know, without claiming it; the sweep of one that knows it makes it due again. After a day
nobody is coming.
"""

import uuid
from collections.abc import Collection
from datetime import timedelta

from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from events.enums import RunFailure, RunStatus
from events.handling.completion import RunEnd, note_ends
from events.handling.registry import handler_named, known_handlers
from events.log.sentences import NOT_INSTALLED
from events.models import HandlerRun

PAUSE = timedelta(minutes=10)
"""How long runs are put off, so that they take neither turns nor statements from others."""
PATIENCE = timedelta(days=1)
AT_ONCE = 500
"""Runs that one sweep ends."""


def put_off(bot_id: uuid.UUID, handlers: Collection[str]) -> None:
    """Put off what is due of a bot for handlers that this worker does not know. The caller holds the bot's queue."""
    now = timezone.now()
    HandlerRun.objects.due().filter(bot_id=bot_id, handler__in=handlers).update(
        run_at=now + PAUSE,
        unknown_since=Coalesce("unknown_since", Value(now)),
        failure=RunFailure.NOT_INSTALLED,
    )


def make_known_due() -> int:
    """Make runs due that another worker put off and this one can do; returns how many."""
    names = [handler.name for handler in known_handlers()]
    return (
        HandlerRun.objects.waiting()
        .filter(unknown_since__isnull=False, handler__in=names)
        .update(run_at=timezone.now(), unknown_since=None, failure="")
    )


def end_unknown() -> int:
    """End runs that have waited for a day; returns how many."""
    old = HandlerRun.objects.waiting().filter(unknown_since__lt=timezone.now() - PATIENCE)
    rows = list(old.order_by("unknown_since").values_list("pk", "handler")[:AT_ONCE])
    claim_id = uuid.uuid4()
    pks = [pk for pk, handler in rows if handler_named(handler) is None]
    old.filter(pk__in=pks).take(claim_id)
    claimed = list(HandlerRun.objects.claimed_with(claim_id, pks).select_related("event__bot"))
    note_ends([RunEnd(run, RunStatus.DEAD, RunFailure.NOT_INSTALLED, NOT_INSTALLED()) for run in claimed])
    return len(claimed)
