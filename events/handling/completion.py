"""How an attempt ends: the run, the attempt and, with its last run, the event are written by whoever holds the claim."""

from datetime import datetime

from django.utils import timezone

from core.database.sql import ask, locked
from core.database.sql import run as execute
from events.clicks.updates import reopen_button
from events.enums import ENDED_RUNS, AttemptOutcome, EventStatus, RunStatus
from events.errors import StaleClaimError
from events.log.fingerprints import fingerprint
from events.models import HandlerRun
from feishu.card_buttons import is_single_use


def finish(
    run: HandlerRun,
    *,
    status: RunStatus,
    error: str = "",
    failure: str = "",
    **values: datetime | str,
) -> None:
    """Note how an attempt ended, in the caller's transaction; ``values`` are other columns of the run. Raises
    StaleClaimError when the claim was lost meanwhile."""
    is_over = status in ENDED_RUNS
    values |= {
        "status": status.value,
        "error": error,
        "failure": failure,
        "fingerprint": fingerprint(error) if status == RunStatus.DEAD else "",
    }
    columns = ", ".join(f"{name} = %s" for name in values)
    sql = (
        f"UPDATE events_handlerrun SET claim_id = NULL, lease_until = NULL, {columns}"  # noqa: S608 -- names of columns
        " WHERE id = %s AND claim_id = %s AND status = 'running'"
    )
    held = [run.pk, run.claim_id]
    if is_over:
        # Holds the event until the transaction ends: of two runs of one event that end at once, the later one sees
        # the other.
        sql += f" AND event_id IN (SELECT id FROM events_event WHERE id = %s {locked()})"  # noqa: S608 -- constants
        held.append(run.event_id)
    if not execute(sql, [*values.values(), *held]):
        raise StaleClaimError
    if status != RunStatus.SKIPPED:
        now = timezone.now()
        outcome = AttemptOutcome.SUCCEEDED if status == RunStatus.SUCCEEDED else AttemptOutcome.FAILED
        execute(
            "INSERT INTO events_handlerattempt (run_id, number, started_at, finished_at, outcome, error)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [run.pk, run.attempts, run.started_at or now, now, outcome.value, error],
        )
    if is_over:
        end_event(run.event_id)


def end_event(pk: int) -> None:
    """End an event whose last handler run has ended: done when all succeeded, dead when one did not; of one whose
    handlers were all switched off meanwhile, what matters is whether it goes to subscriptions. A button that counts once
    counts again after a click that failed.

    The caller has locked the event with a statement before: this one sees what others committed until then.
    """
    sql = (
        "UPDATE events_event SET finished_at = %s, status ="
        " (SELECT CASE WHEN COUNT(CASE status WHEN 'dead' THEN 1 END) > 0 THEN 'dead'"
        " WHEN COUNT(CASE status WHEN 'succeeded' THEN 1 END) > 0 THEN 'done'"
        " WHEN EXISTS (SELECT 1 FROM events_delivery WHERE event_id = events_event.id) THEN 'done' ELSE 'ignored' END"
        " FROM events_handlerrun WHERE event_id = events_event.id AND is_current)"
        " WHERE NOT EXISTS (SELECT 1 FROM events_handlerrun WHERE event_id = events_event.id AND is_current"
        " AND status NOT IN ('succeeded', 'dead', 'skipped'))"
        " AND id = %s RETURNING status, dedupe_key"
    )
    for status, dedupe_key in ask(sql, [timezone.now(), pk]):
        if status == EventStatus.DEAD and is_single_use(dedupe_key):
            reopen_button(pk)
