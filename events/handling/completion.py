"""How attempts end: runs, attempts and, with their last run, events are written by whoever holds the claims.

Many ends are written in two statements and one commit. A claim is the fence: of a run that another worker has taken over
nothing is written.
"""

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from core.database.sql import any_of, ask, ask_at_once, use_indexes, with_rows
from core.database.sql import run as execute
from core.database.sqlite import WRITE_TURNS, BatchSize
from events.clicks.updates import reopen_button
from events.enums import ENDED_RUNS, AttemptOutcome, EventStatus, RunStatus
from events.handling.ordering import PATIENCE, promote_next
from events.log.fingerprints import fingerprint
from events.metrics import count_failures
from events.models import HandlerRun
from feishu.card_buttons import is_single_use

logger = logging.getLogger(__name__)

MAX_ENDS = 512
_ON_SQLITE = BatchSize(most=MAX_ENDS)


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How an attempt of a claimed run ended. ``run_at``: when it is attempted again, for one that is retried."""

    run: HandlerRun
    status: RunStatus
    failure: str = ""
    error: str = ""
    run_at: datetime | None = None
    finished_at: datetime = field(default_factory=timezone.now)

    @property
    def is_over(self) -> bool:
        return self.status in ENDED_RUNS


def most_at_once() -> int:
    """How many ends are written in one transaction."""
    return MAX_ENDS if connection.vendor == "postgresql" else _ON_SQLITE.rows


def note_ends(ends: Sequence[RunEnd]) -> int:
    """Write ends in a transaction of their own, then let the runs begin that queued behind them: how many may."""
    if not ends:
        return 0
    with WRITE_TURNS.behind(), transaction.atomic():
        began = time.monotonic()
        use_indexes()
        lost, freed = complete(ends)
    _ON_SQLITE.note(len(ends), seconds=time.monotonic() - began)
    count_failures([end for end in ends if end not in lost])
    for end in lost:
        logger.warning("run_taken_over", extra={"run": end.run.pk, "handler": end.run.handler})
    return promote_next(freed)


def complete(ends: Sequence[RunEnd]) -> tuple[list[RunEnd], list[HandlerRun]]:
    """Write ends in the caller's transaction.

    Returns those whose claim was lost, of which nothing is written, and the runs whose place in order is free now.
    """
    written = _write_postgres(ends) if connection.vendor == "postgresql" else _write_sqlite(ends)
    held = [(end, written[end.run.pk]) for end in ends if end.run.pk in written]
    _end_shared({end.run.event_id for end, row in held if end.is_over and not row.event_has_ended})
    for end, row in held:
        if row.event_has_ended and end.status == RunStatus.DEAD and is_single_use(end.run.event.dedupe_key):
            reopen_button(end.run.event_id)
    lost = [end for end in ends if end.run.pk not in written]
    freed = [end.run for end, row in held if end.run.order_key and (end.is_over or not row.keeps_place)]
    return lost, freed


def _end_shared(event_pks: Collection[int]) -> None:
    """End those of these events whose last run has just been written."""
    if event_pks and connection.features.has_select_for_update:
        # Held until the commit: of two runs of one event that end at once, the later one sees the other.
        condition, values = any_of(sorted(event_pks))
        ask(f"SELECT id FROM events_event WHERE id {condition} ORDER BY id FOR NO KEY UPDATE", values)  # noqa: S608 -- constants
    end_events(event_pks)


def end_events(pks: Collection[int]) -> None:
    """End those of these events whose last handler run has ended: done when all succeeded, dead when one did not; of one
    whose handlers were all switched off meanwhile, what matters is whether it goes to subscriptions. A button that counts
    once counts again after a click that failed.

    The caller has locked the events with a statement before: this one sees what others committed until then.
    """
    if not pks:
        return
    condition, values = any_of(list(pks))
    sql = (
        "UPDATE events_event SET finished_at = %s, status ="  # noqa: S608 -- constants
        " (SELECT CASE WHEN COUNT(CASE status WHEN 'dead' THEN 1 END) > 0 THEN 'dead'"
        " WHEN COUNT(CASE status WHEN 'succeeded' THEN 1 END) > 0 THEN 'done'"
        " WHEN EXISTS (SELECT 1 FROM events_delivery WHERE event_id = events_event.id) THEN 'done' ELSE 'ignored' END"
        " FROM events_handlerrun WHERE event_id = events_event.id AND is_current)"
        # Counted and not NOT EXISTS, which PostgreSQL may answer by reading the whole table of runs.
        f" WHERE id {condition} AND (SELECT COUNT(*) FROM events_handlerrun WHERE event_id = events_event.id"
        " AND is_current AND status NOT IN ('succeeded', 'dead', 'skipped')) = 0"
    )
    now = timezone.now()
    if connection.vendor == "postgresql":
        ended = ask(f"{sql} RETURNING id, dedupe_key, status", [now, *values])
        dead = [(pk, dedupe_key) for pk, dedupe_key, status in ended if status == EventStatus.DEAD]
    else:
        execute(sql, [now, *values])
        select = f"SELECT id, dedupe_key FROM events_event WHERE id {condition} AND status = 'dead' AND finished_at = %s"  # noqa: S608 -- constants
        dead = ask(select, [*values, now])
    for pk, dedupe_key in dead:
        if is_single_use(dedupe_key):
            reopen_button(pk)


class _Written(NamedTuple):
    """A run whose claim held. ``keeps_place``: in order; one that is attempted again keeps it until ``PATIENCE`` after its
    first attempt. ``event_has_ended``: with this run, because the event has no other."""

    keeps_place: bool
    event_has_ended: bool


_ENDS = {
    "id": "int8", "claim_id": "uuid", "status": "text", "failure": "text", "error": "text", "fingerprint": "text",
    "run_at": "timestamptz", "finished_at": "timestamptz", "started_at": "timestamptz",
}  # fmt: skip


def _write_postgres(ends: Sequence[RunEnd]) -> dict[int, _Written]:
    """Write runs, attempts and the events that have one run alone, in one statement; by primary key of the run.

    A run that a replay adds meanwhile is not seen, and needs not be: its own end decides about the event once more.
    """
    given, values = with_rows(_ENDS, [_row(end) for end in ends], "given")
    sql = (
        f"WITH {given}, ended AS ("  # noqa: S608 -- constants
        " UPDATE events_handlerrun run SET claim_id = NULL, lease_until = NULL, status = given.status,"
        " failure = given.failure, error = given.error, fingerprint = given.fingerprint, started_at = given.started_at,"
        " finished_at = CASE given.status WHEN 'retrying' THEN NULL ELSE given.finished_at END, run_at = COALESCE(given.run_at, run.run_at),"
        " order_key = CASE WHEN run.order_key <> '' AND given.run_at > COALESCE((SELECT MIN(started_at)"
        " FROM events_handlerattempt WHERE run_id = run.id), given.started_at) + %s THEN '' ELSE run.order_key END"
        " FROM given WHERE run.id = given.id AND run.claim_id = given.claim_id AND run.status = 'running'"
        " RETURNING run.id, run.event_id, run.status, run.attempts, run.order_key, given.error, given.started_at,"
        " given.finished_at AS attempt_finished_at, run.status IN ('succeeded', 'dead', 'skipped')"
        " AND (SELECT COUNT(*) FROM events_handlerrun WHERE event_id = run.event_id) = 1 AS ends_event"
        "), noted AS ("
        " INSERT INTO events_handlerattempt (run_id, number, started_at, finished_at, outcome, error)"
        " SELECT id, attempts, started_at, attempt_finished_at,"
        " CASE status WHEN 'succeeded' THEN 'succeeded' ELSE 'failed' END, error FROM ended WHERE status <> 'skipped'"
        "), alone AS ("
        " UPDATE events_event event SET finished_at = ended.attempt_finished_at, status = CASE ended.status"
        " WHEN 'dead' THEN 'dead' WHEN 'succeeded' THEN 'done' ELSE CASE WHEN EXISTS"
        " (SELECT 1 FROM events_delivery WHERE event_id = event.id) THEN 'done' ELSE 'ignored' END END"
        " FROM ended WHERE event.id = ended.event_id AND ended.ends_event"
        ") SELECT id, order_key <> '', ends_event FROM ended"
    )
    return {
        pk: _Written(keeps_place, has_ended) for pk, keeps_place, has_ended in ask(sql, [*values, PATIENCE])
    }


def _row(end: RunEnd) -> tuple[object, ...]:
    run = end.run
    return (
        run.pk,
        run.claim_id,
        end.status.value,
        str(end.failure),
        end.error,
        fingerprint(end.error) if end.status == RunStatus.DEAD else "",
        end.run_at,
        end.finished_at,
        run.started_at or end.finished_at,
    )


def _write_sqlite(ends: Sequence[RunEnd]) -> dict[int, _Written]:
    """Runs and attempts, for SQLite, which writes in no WITH; whose claim holds is read first, as one row."""
    given, values = with_rows(
        {"id": "int8", "claim_id": "uuid"}, [(end.run.pk, end.run.claim_id) for end in ends], "given"
    )
    held = ask_at_once(
        f"WITH {given} SELECT run.id AS id FROM given CROSS JOIN events_handlerrun run"  # noqa: S608 -- constants
        " ON run.id = given.id AND run.claim_id = given.claim_id AND run.status = 'running'",
        values,
        ("id",),
    )
    pks = {pk for (pk,) in held}
    ends = [end for end in ends if end.run.pk in pks]
    if not ends:
        return {}
    keys = {end.run.pk: "" if _loses_place(end) else end.run.order_key for end in ends}
    given, values = with_rows(
        _ENDS | {"order_key": "text"}, [(*_row(end), keys[end.run.pk]) for end in ends], "given"
    )
    execute(
        f"WITH {given} UPDATE events_handlerrun SET claim_id = NULL, lease_until = NULL, status = given.status,"  # noqa: S608 -- constants
        " failure = given.failure, error = given.error, fingerprint = given.fingerprint, started_at = given.started_at,"
        " finished_at = CASE given.status WHEN 'retrying' THEN NULL ELSE given.finished_at END,"
        " run_at = COALESCE(given.run_at, events_handlerrun.run_at), order_key = given.order_key"
        " FROM given WHERE events_handlerrun.id = given.id",
        values,
    )
    attempts = [_attempt_of(end) for end in ends if end.status != RunStatus.SKIPPED]
    if attempts:
        noted, values = with_rows(_ATTEMPTS, attempts, "noted")
        execute(
            f"WITH {noted} INSERT INTO events_handlerattempt ({', '.join(_ATTEMPTS)}) SELECT * FROM noted",  # noqa: S608 -- constants
            values,
        )
    return {pk: _Written(bool(key), event_has_ended=False) for pk, key in keys.items()}


_ATTEMPTS = {
    "run_id": "int8", "number": "int2", "started_at": "timestamptz", "finished_at": "timestamptz", "outcome": "text",
    "error": "text",
}  # fmt: skip


def _attempt_of(end: RunEnd) -> tuple[object, ...]:
    outcome = AttemptOutcome.SUCCEEDED if end.status == RunStatus.SUCCEEDED else AttemptOutcome.FAILED
    started_at = end.run.started_at or end.finished_at
    return end.run.pk, end.run.attempts, started_at, end.finished_at, outcome.value, end.error


def _loses_place(end: RunEnd) -> bool:
    if not (end.run.order_key and end.run_at):
        return False
    first = end.run.attempt_log.order_by("number").values_list("started_at", flat=True).first()
    return end.run_at > (first or end.run.started_at or timezone.now()) + PATIENCE
