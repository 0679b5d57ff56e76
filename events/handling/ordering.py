"""Order by key: of the deliveries of one bot and handler with the same key one is active, the others are queued.

A constraint of the database holds that, not a process. A head that fails keeps its place while it is tried again
within ``PATIENCE``; after that it steps aside, so that one event cannot keep the rest of its chat waiting for hours,
and goes on being tried without its place.
"""

import hashlib
import logging
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, Min, OuterRef
from django.utils import timezone

from core.database.sql import ask
from events.enums import ACTIVE_RUNS, RunStatus
from events.handling.registry import Registration
from events.models import Event, HandlerRun, HandlerRunQuerySet

logger = logging.getLogger("events.ordering")

PATIENCE = timedelta(seconds=60)
MAX_KEY = 128


def order_key_of(handler: Registration, event: Event) -> str:
    """The key by which this handler wants its events in order; empty for none."""
    if handler.ordered_by is None:
        return ""
    try:
        key = _chat_of(event) if handler.ordered_by == "chat" else handler.ordered_by(event)
    except Exception:
        logger.exception("order_key_failed", extra={"handler": handler.name, "event_id": event.event_id})
        return ""
    text = "" if key is None else str(key)
    if len(text) <= MAX_KEY and text.isprintable():
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _chat_of(event: Event) -> object:
    if event.event_type != "im.message.receive_v1":
        return None
    message = event.data.get("message")
    return message.get("chat_id") if isinstance(message, dict) else None


def promote(queued: HandlerRunQuerySet) -> int:
    """Make the first of each key in ``queued`` that has nobody before it active; returns how many became so.

    Called after the commit of whatever added or ended a delivery: whoever commits last sees both.
    """
    before = HandlerRun.objects.filter(
        bot_id=OuterRef("bot_id"),
        handler=OuterRef("handler"),
        order_key=OuterRef("order_key"),
        status__in=ACTIVE_RUNS,
    )
    free = queued.filter(status=RunStatus.QUEUED).exclude(Exists(before))
    heads = free.order_by().values("bot_id", "handler", "order_key").annotate(head=Min("pk"))
    return sum(_activate(pk) for pk in list(heads.values_list("head", flat=True)))


def _activate(pk: int) -> int:
    try:
        with transaction.atomic():
            return HandlerRun.objects.filter(pk=pk, status=RunStatus.QUEUED).update(
                status=RunStatus.PENDING, run_at=timezone.now()
            )
    except IntegrityError:
        return 0  # somebody else made the same key's head active


def promote_after(delivery: HandlerRun) -> int:
    """``delivery`` has ended: the next one of its key may run."""
    if not delivery.order_key:
        return 0
    queued = ask(
        "SELECT id FROM events_handlerrun WHERE bot_id = %s AND handler = %s AND order_key = %s AND status = 'queued'"
        " ORDER BY id LIMIT 1",
        [delivery.bot_id, delivery.handler, delivery.order_key],
    )
    return sum(_activate(pk) for (pk,) in queued)
