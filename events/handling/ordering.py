"""Order by key: of the runs of one bot and handler with the same key one is active, the others are queued.

A constraint of the database holds that, not a process. The first one keeps its place while it is attempted again within
``PATIENCE``; after that it loses its place in order, so that one event cannot keep the rest of its chat waiting for
hours, and is attempted on without it.
"""

import hashlib
import logging
from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, Min, OuterRef
from django.utils import timezone

from core.database.among import among
from core.database.sql import ask_at_once, with_rows
from events.enums import ACTIVE_RUNS, RunStatus
from events.handling.registry import Registration
from events.models import Event, HandlerRun, HandlerRunQuerySet
from feishu.values import mapping_of

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=60)
MAX_KEY = 128


def order_key_of(handler: Registration, event: Event) -> str:
    """The key by which this handler wants its events in order; empty for none, and where computing it raises."""
    if handler.ordered_by is None:
        return ""
    try:
        key = chat_of(event) if handler.ordered_by == "chat" else handler.ordered_by(event)
    except Exception:
        logger.exception("order_key_failed", extra={"handler": handler.name, "event_id": event.event_id})
        return ""
    text = "" if key is None else str(key)
    if len(text) <= MAX_KEY and text.isprintable():
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def chat_of(event: Event) -> object:
    """The chat of a message; None for every other event."""
    if event.event_type != "im.message.receive_v1":
        return None
    return mapping_of(event.data.get("message")).get("chat_id")


def promote(queued: HandlerRunQuerySet) -> int:
    """Let the first of each key in ``queued`` begin that has no active run before it; returns how many may begin.

    Called after the commit of whatever added or ended a run: whoever commits last sees both.
    """
    active = HandlerRun.objects.filter(
        among("status", ACTIVE_RUNS),
        bot_id=OuterRef("bot_id"),
        handler=OuterRef("handler"),
        order_key=OuterRef("order_key"),
    ).exclude(order_key="")
    heads = queued.filter(status=RunStatus.QUEUED).exclude(Exists(active)).order_by()
    heads_of_keys = heads.values("bot_id", "handler", "order_key").annotate(head=Min("pk"))
    return sum(_activate(pk) for pk in list(heads_of_keys.values_list("head", flat=True)))


def promote_next(freed: Sequence[HandlerRun]) -> int:
    """These runs have ended, or lost their place in order: the next one of each key may begin. How many may.

    Called after the commit that ended them; one statement where nothing is queued behind them.
    """
    keys = {(run.bot_id, run.handler, run.order_key) for run in freed}
    return sum(_activate(pk) for pk in _next_of(keys))


def _next_of(keys: Collection[tuple[UUID, str, str]]) -> list[int]:
    """The first queued run of each key that has one."""
    if not keys:
        return []
    one = (
        "SELECT id FROM events_handlerrun WHERE bot_id = freed.bot_id AND handler = freed.handler"
        " AND order_key = freed.order_key AND status = 'queued' ORDER BY bot_id, handler, order_key, id LIMIT 1"
    )
    given, values = with_rows({"bot_id": "uuid", "handler": "text", "order_key": "text"}, list(keys), "freed")
    rows = ask_at_once(f"WITH {given} SELECT ({one}) AS id FROM freed", values, ["id"])  # noqa: S608 -- constants
    return sorted(pk for (pk,) in rows if pk is not None)


def _activate(pk: int) -> int:
    try:
        with transaction.atomic():
            return HandlerRun.objects.filter(pk=pk, status=RunStatus.QUEUED).update(
                status=RunStatus.PENDING, run_at=timezone.now()
            )
    except IntegrityError:
        return 0  # another process made a run of the same key active
