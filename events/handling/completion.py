"""How a try ends: the delivery, the try and, with its last delivery, the event are written by whoever holds the claim."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils import timezone

from core.database.sql import ask, locked, marks, run
from events.clicks.updates import count_again
from events.enums import ENDED, AttemptOutcome, DeliveryStatus, EventStatus
from events.log.fingerprints import fingerprint
from events.models import Delivery, Event
from feishu.card_buttons import is_single_use


class StaleClaimError(Exception):
    """Somebody else took the delivery over; what was done here is rolled back."""


def finish(
    delivery: Delivery,
    *,
    status: DeliveryStatus,
    error: str = "",
    failure: str = "",
    status_code: int | None = None,
    answer: str = "",
    **values: datetime | str,
) -> None:
    """Note how a try ended, in the caller's transaction. ``status_code`` and ``answer`` are what a receiver said;
    ``values`` are other columns of the delivery. Raises StaleClaimError when the claim was lost meanwhile."""
    values |= {
        "status": status.value,
        "error": error,
        "failure": failure,
        "error_print": fingerprint(error) if status == DeliveryStatus.DEAD else "",
    }
    if not _give_up_claim(delivery, values, is_over=status in ENDED):
        raise StaleClaimError
    if status != DeliveryStatus.SKIPPED:
        _note_try(delivery, status, error, status_code, answer)
    if status in ENDED:
        _end_events([delivery.event_id])


def finish_events(event_pks: Iterable[int]) -> None:
    """End those whose deliveries have all ended, in the transaction that ended the last ones."""
    rows = Event.objects.select_for_update().filter(pk__in=list(event_pks)).order_by("pk")
    if pks := list(rows.values_list("pk", flat=True)):
        _end_events(pks)


def _give_up_claim(delivery: Delivery, values: dict[str, datetime | str], *, is_over: bool) -> bool:
    """Whether the claim was still held. A delivery that is over holds its event until the transaction ends: of two
    deliveries of one event that end at once, the later one sees the other."""
    columns = ", ".join(f"{name} = %s" for name in values)
    sql = (
        f"UPDATE events_delivery SET claim_id = NULL, lease_until = NULL, {columns}"  # noqa: S608 -- names of columns
        " WHERE id = %s AND claim_id = %s AND status = 'running'"
    )
    held = [delivery.pk, delivery.claim_id]
    if is_over:
        sql += f" AND event_id IN (SELECT id FROM events_event WHERE id = %s {locked()})"  # noqa: S608 -- constants
        held.append(delivery.event_id)
    return bool(run(sql, [*values.values(), *held]))


def _note_try(
    delivery: Delivery, status: DeliveryStatus, error: str, status_code: int | None, answer: str
) -> None:
    now = timezone.now()
    outcome = AttemptOutcome.SUCCEEDED if status == DeliveryStatus.SUCCEEDED else AttemptOutcome.FAILED
    run(
        "INSERT INTO events_deliveryattempt"
        " (delivery_id, number, started_at, finished_at, outcome, error, status_code, answer)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            delivery.pk, delivery.attempts, delivery.started_at or now, now, outcome.value, error, status_code, answer,
        ],
    )  # fmt: skip


def _end_events(pks: Sequence[int]) -> None:
    """An event ends with its last delivery: done when all succeeded, dead when one did not. A button that counts once
    counts again after a click that failed.

    The caller has locked the events with a statement before: this one sees what others committed until then.
    """
    sql = (
        "UPDATE events_event SET finished_at = %s, status ="  # noqa: S608 -- constants
        " (SELECT CASE WHEN COUNT(CASE status WHEN 'dead' THEN 1 END) > 0 THEN 'dead'"
        " WHEN COUNT(CASE status WHEN 'succeeded' THEN 1 END) > 0 THEN 'done' ELSE 'ignored' END"
        " FROM events_delivery WHERE event_id = events_event.id AND is_current)"
        " WHERE NOT EXISTS (SELECT 1 FROM events_delivery WHERE event_id = events_event.id AND is_current"
        " AND status NOT IN ('succeeded', 'dead', 'skipped'))"
        f" AND id IN ({marks(pks)}) RETURNING id, status, dedupe_key"
    )
    for pk, status, dedupe_key in ask(sql, [timezone.now(), *pks]):
        if status == EventStatus.DEAD and is_single_use(dedupe_key):
            count_again(pk)
