"""Claiming handler runs: a batch in a few statements. ``claim_id`` and the lease are what fences them afterwards."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.utils import timezone

from core.database.sql import ask, marks
from events.handling.concurrency import ConcurrencyLimit, Place
from events.handling.poller import PollResult
from events.handling.registry import handler_named
from events.handling.unknown import put_off
from events.models import HandlerRun


@dataclass(frozen=True, slots=True, eq=False)
class ClaimedRun:
    """A handler run that this process has claimed, with its place under the concurrency limit.

    Whoever drops the run releases the place.
    """

    run: HandlerRun
    place: Place


def choose_due(
    bot_id: uuid.UUID, places: dict[int, Place], *, most: int, limit: ConcurrencyLimit, pass_full: bool
) -> PollResult:
    """Add to ``places``, by primary key, those taken for what is due of a bot, the oldest first: up to ``most``, and as
    many as the limit allows.

    Runs of handlers that this worker does not know are put off. ``pass_full``: look behind the runs of handlers that have
    their share, which may be many. The caller holds the bot's queue and releases the places.
    """
    result = PollResult.NOTHING
    full: set[str] = set()
    after = None
    while most > 0:
        rows = _due(bot_id, besides=sorted(full), after=after, limit=most)
        is_all, had_refused = len(rows) < most, bool(full)
        unknown = {handler for _pk, handler, _run_at in rows if handler_named(handler) is None}
        if unknown:
            put_off(bot_id, unknown)
        for pk, handler, run_at in rows:
            after = (run_at, pk)
            if handler in unknown:
                continue
            if place := limit.take((bot_id, handler)):
                places[pk] = place
                most -= 1
                result = max(result, PollResult.PASSED if had_refused else PollResult.FOUND)
            else:
                full.add(handler)
                result = max(result, PollResult.FULL)
        if is_all or not limit.free or not (pass_full or unknown):
            break
    return result


def _due(
    bot_id: uuid.UUID, *, besides: Sequence[str], after: tuple[object, int] | None, limit: int
) -> list[tuple[int, str, object]]:
    """Primary key, handler and ``run_at`` of the first runs that are due, from behind ``after`` on."""
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


def claim(pks: Collection[int]) -> list[HandlerRun]:
    """Claim these runs as far as they are still due; those that were claimed, with their events and bots."""
    if not pks:
        return []
    claim_id = uuid.uuid4()
    HandlerRun.objects.due().filter(pk__in=pks).take(claim_id)
    return list(HandlerRun.objects.claimed_with(claim_id, pks).select_related("event__bot"))


def claim_abandoned(limit: ConcurrencyLimit) -> ClaimedRun | None:
    """Claim one run whose worker is gone. One at a time: it may be what took the worker down."""
    lost = HandlerRun.objects.abandoned().order_by("lease_until")
    for pk in lost.values_list("pk", flat=True)[:1]:
        if HandlerRun.objects.abandoned().filter(pk=pk).take(uuid.uuid4()):
            run = HandlerRun.objects.select_related("event__bot").get(pk=pk)
            return ClaimedRun(run, limit.take_beyond((run.bot_id, run.handler)))
    return None
