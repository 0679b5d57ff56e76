"""Claiming handler runs: a batch in a few statements. ``claim_id`` and the lease are what fence them afterwards."""

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from django.utils import timezone

from core.database.sql import ask, marks
from events.handling.concurrency import HandlerRoom, Whose
from events.handling.registry import handler_named
from events.handling.unknown import put_off
from events.models import HandlerRun


class Choice(NamedTuple):
    """How choosing went. ``is_refused``: the room refused something; ``is_behind``: something was found behind that."""

    is_refused: bool
    is_behind: bool


def choose_due(
    bot_id: uuid.UUID, chosen: dict[int, Whose], *, limit: int, room: HandlerRoom, is_thorough: bool
) -> Choice:
    """Add to ``chosen`` what is due of a bot, the oldest first, as much as ``limit`` and the room allow; it counts as
    inside the room. Runs of handlers that this worker does not know are put off. ``is_thorough``: look behind what the
    room refuses, which may be long. The caller holds the bot's queue."""
    full: set[str] = set()
    after, is_behind = None, False
    while limit > 0:
        rows = _due(bot_id, besides=sorted(full), after=after, limit=limit)
        is_all, refused_before = len(rows) < limit, bool(full)
        unknown = {handler for _pk, handler, _run_at in rows if handler_named(handler) is None}
        if unknown:
            put_off(bot_id, unknown)
        for pk, handler, run_at in rows:
            whose, after = (bot_id, handler), (run_at, pk)
            if handler in unknown:
                continue
            if room.admits(whose):
                room.enter(whose)
                chosen[pk] = whose
                limit -= 1
                is_behind |= refused_before
            else:
                full.add(handler)
        if is_all or not room.free or not (is_thorough or unknown):
            break
    return Choice(bool(full), is_behind)


def _due(
    bot_id: uuid.UUID, *, besides: Sequence[str], after: tuple[object, int] | None, limit: int
) -> list[tuple[int, str, object]]:
    """Primary key, handler and ``run_at`` of what is due after the place ``after``."""
    sql = (
        "SELECT id, handler, run_at FROM events_handlerrun WHERE bot_id = %s"
        " AND status IN ('pending', 'retrying') AND run_at <= %s"
    )
    values: list[object] = [bot_id, timezone.now()]
    if besides:
        sql += f" AND handler NOT IN ({marks(besides)})"
        values += besides
    if after:
        sql += " AND (run_at, id) > (%s, %s)"
        values += after
    return ask(f"{sql} ORDER BY run_at, id LIMIT {limit}", values)


def claim(chosen: dict[int, Whose], room: HandlerRoom) -> list[HandlerRun]:
    """Claim what was chosen; what could not be claimed is chosen no more."""
    if not chosen:
        return []
    claim_id = uuid.uuid4()
    HandlerRun.objects.due().filter(pk__in=chosen).take(claim_id)
    claimed = list(HandlerRun.objects.claimed_with(claim_id, chosen).select_related("event__bot"))
    for pk in chosen.keys() - {run.pk for run in claimed}:
        room.leave(chosen.pop(pk))
    return claimed


def claim_abandoned(room: HandlerRoom) -> HandlerRun | None:
    """Claim one handler run whose runner is gone. One at a time: it may be what took the runner down."""
    lost = HandlerRun.objects.abandoned().order_by("lease_until")
    for pk in lost.values_list("pk", flat=True)[:1]:
        if HandlerRun.objects.abandoned().filter(pk=pk).take(uuid.uuid4()):
            run = HandlerRun.objects.select_related("event__bot").get(pk=pk)
            room.enter((run.bot_id, run.handler))
            return run
    return None
