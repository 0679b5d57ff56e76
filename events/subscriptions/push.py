"""Deliveries that are pushed: which are due, claiming them, and settling them by the receiver's response."""

import logging
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Subquery
from django.utils import timezone

from core.background.pace import Pace
from core.background.retry import RetrySchedule
from core.database.compiled import AnyRows
from core.database.text import storable
from events.clicks.records import end_asked
from events.enums import (
    POSTED,
    SENDING,
    AttemptOutcome,
    DeliveryFailure,
    DeliveryStatus,
    SubscriptionKind,
    SubscriptionState,
)
from events.errors import StaleClaimError
from events.expansion import expansion_in_time
from events.log.fingerprints import fingerprint
from events.metrics import count_deliveries, count_pushed
from events.models import Delivery, DeliveryAttempt, Subscription
from events.subscriptions import circuit_breaker
from events.subscriptions.http.answers import MAX_ANSWER
from events.subscriptions.http.failures import STOPPED, WORKER_LOST
from events.subscriptions.http.post import MAX_READ, PushRequest, PushResult
from events.subscriptions.payload import payload_of
from events.subscriptions.reach import out_of_reach, reachable_bots
from feishu.envelope import MESSAGE_RECEIVED

logger = logging.getLogger(__name__)

RETRIES = RetrySchedule((5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""Pauses between attempts: three days and more, after which a delivery is dead."""
MAX_RETRY_AFTER = timedelta(hours=6)
"""The longest Retry-After that is honoured."""
MAX_TEXT = 1_000  # characters kept of an error, of a response
MAX_SUBSCRIPTIONS = 64  # in one round


WAITING = AnyRows(deliveries=lambda: Delivery.objects.waiting().order_by("subscription_id", "pk"))
"""Without any there is nothing to push, now or later. Asked every few seconds, and mostly there is none."""
_ABANDONED = AnyRows(deliveries=lambda: Delivery.objects.abandoned().order_by("lease_until"))


def due_subscriptions() -> list[uuid.UUID]:
    """Subscriptions with deliveries to push now, the one served longest ago first; ``MAX_SUBSCRIPTIONS`` at most."""
    if not WAITING.found():
        return []
    due = Delivery.objects.due().filter(subscription=OuterRef("pk"))
    rows = Subscription.objects.sending().filter(Exists(due)).order_by(F("served_at").asc(nulls_first=True))
    return list(rows.values_list("pk", flat=True)[:MAX_SUBSCRIPTIONS])


def seconds_to_next() -> float:
    """Until the next delivery that is not due yet, or held back by its subscription's rate; infinite if there is none."""
    if not WAITING.found():
        return float("inf")
    now = timezone.now()
    later = Delivery.objects.waiting().filter(subscription=OuterRef("pk"), run_at__gt=now)
    rows = Subscription.objects.sending().annotate(
        next_run=Subquery(later.order_by("run_at").values("run_at")[:1])
    )
    moments = (
        rows.aggregate(moment=Min("next_run"))["moment"],
        Subscription.objects.filter(next_start_at__gt=now).aggregate(moment=Min("next_start_at"))["moment"],
    )
    return min(((moment - now).total_seconds() for moment in moments if moment), default=float("inf"))


@transaction.atomic
def claim_due(subscription_id: uuid.UUID, *, limit: int) -> list[Delivery]:
    """Claim due deliveries of a subscription, the longest due first: up to ``limit``, within its rate, and a single one
    where its circuit is half-open. None while another process claims for it."""
    subscription = (
        Subscription.objects.sending()
        .select_for_update(skip_locked=True, of=("self",))
        .filter(pk=subscription_id)
        .first()
    )
    if subscription is None:
        return []
    now = timezone.now()
    if subscription.state == SubscriptionState.FAILING:
        limit = 1
        subscription.probe_at = circuit_breaker.next_probe(subscription.failures)
    pace = Pace(subscription.per_second) if subscription.per_second else None
    if pace is not None:
        limit = min(limit, pace.allowed(subscription.next_start_at, now))
    due = Delivery.objects.due().filter(subscription=subscription).order_by("run_at", "pk")
    first = list(due.values_list("pk", flat=True)[:limit])
    due.filter(out_of_reach(subscription), pk__in=first).update(
        status=DeliveryStatus.SKIPPED, finished_at=now
    )
    claimed = _claim(first)
    subscription.served_at = now
    subscription.next_start_at = (
        None if pace is None else pace.after(subscription.next_start_at, now, len(claimed))
    )
    subscription.save(update_fields=["served_at", "next_start_at", "probe_at"])
    return claimed


def claim_abandoned(limit: int) -> list[Delivery]:
    """Claim deliveries whose worker is gone, maybe after it pushed them: twice is better than never."""
    if not _ABANDONED.found():
        return []
    lost = Delivery.objects.abandoned()
    pks = list(lost.order_by("lease_until").values_list("pk", flat=True)[:limit])
    claim_id = uuid.uuid4()
    return _claimed(claim_id, pks) if pks and lost.filter(pk__in=pks).take(claim_id) else []


def build_request(delivery: Delivery) -> PushRequest:
    """The request for a claimed delivery. It may ask the platform first, see ``takes_time``. Raises ValueError for an event that
    cannot be read, MessagesAwaitedError for one that is worth waiting for what it refers to."""
    expanded = expansion_in_time(delivery.event) if delivery.subscription.expand else None
    return PushRequest(
        url=delivery.subscription.url,
        message_id=f"dlv_{delivery.pk}",
        payload=payload_of(delivery.event, expanded=expanded),
        secrets=delivery.subscription.secrets,
        most_read=MAX_ANSWER if is_asked(delivery) else MAX_READ,
    )


def takes_time(delivery: Delivery) -> bool:
    """Whether building its request may take seconds: somebody has to fetch what the event's message refers to."""
    return delivery.subscription.expand and delivery.event.event_type == MESSAGE_RECEIVED


def is_asked(delivery: Delivery) -> bool:
    """Whether its receiver is asked for the answer to a callback. That is done once: whoever clicked decides whether it is
    done again."""
    return delivery.subscription.kind == SubscriptionKind.ANSWER


def max_attempts_of(delivery: Delivery) -> int:
    """After so many failed attempts the delivery is dead."""
    return 1 if is_asked(delivery) else RETRIES.max_attempts


def is_deliverable(delivery: Delivery) -> bool:
    """Whether the subscription of an abandoned delivery still takes pushes."""
    subscription = delivery.subscription
    return (
        delivery.bot_id in reachable_bots(subscription)
        and subscription.kind in POSTED
        and subscription.state in SENDING
        and subscription.removed_at is None
    )


def settle(delivery: Delivery, result: PushResult) -> None:
    """Record the result of an attempt: the delivery ends or is retried, and the circuit breaker learns of it."""
    try:
        with transaction.atomic():
            if result.is_success:
                status = DeliveryStatus.SUCCEEDED
                _finish(delivery, status, result)
                circuit_breaker.record_success(delivery.subscription)
            else:
                exhausted = delivery.attempts >= max_attempts_of(delivery)
                status = DeliveryStatus.DEAD if exhausted else DeliveryStatus.RETRYING
                _finish(delivery, status, result, failure=_failure_of(result))
                circuit_breaker.record_failure(delivery.subscription, result)
    except StaleClaimError:
        logger.warning("delivery_taken_over", extra={"delivery": delivery.pk})
        return
    count_deliveries(status.value)
    if result.is_success:
        count_pushed(delivery.event.received_at, is_replay=delivery.round > 0)


def put_back(delivery: Delivery) -> None:
    """Its process ends, and the request may have arrived: an event is sent again rather than lost, a click is not."""
    if is_asked(delivery):
        end_lost(delivery, STOPPED())
    else:
        Delivery.objects.release(delivery)


def end_lost(delivery: Delivery, error: str = "") -> None:
    """End a delivery whose attempts did not come back to say how they ended."""
    result = PushResult(None, error=error or WORKER_LOST())
    try:
        with transaction.atomic():
            _finish(delivery, DeliveryStatus.DEAD, result, failure=DeliveryFailure.WORKER_LOST)
    except StaleClaimError:
        logger.warning("delivery_taken_over", extra={"delivery": delivery.pk})


def _failure_of(result: PushResult) -> DeliveryFailure:
    if result.status is None:
        return DeliveryFailure.UNREACHABLE
    return DeliveryFailure.BAD_ANSWER if result.fault else DeliveryFailure.REFUSED


def pause_after(attempts: int, result: PushResult) -> timedelta:
    """Before the next attempt: the schedule's pause, or what an overloaded receiver asks for where that is longer."""
    pause = RETRIES.pause_after(attempts)
    if result.is_overloaded and result.retry_after is not None:
        return max(pause, min(timedelta(seconds=result.retry_after), MAX_RETRY_AFTER))
    return pause


def _finish(
    delivery: Delivery, status: DeliveryStatus, result: PushResult, *, failure: DeliveryFailure | None = None
) -> None:
    """Write the end of an attempt, in the caller's transaction. Raises StaleClaimError if the claim was lost meanwhile."""
    now = timezone.now()
    error = "" if failure is None else storable(result.summary, MAX_TEXT)
    is_retried = status == DeliveryStatus.RETRYING
    held = Delivery.objects.held(delivery).update(
        claim_id=None,
        lease_until=None,
        status=status,
        run_at=now + pause_after(delivery.attempts, result) if is_retried else F("run_at"),
        finished_at=None if is_retried else now,
        error=error,
        failure=failure or "",
        fingerprint=fingerprint(error) if status == DeliveryStatus.DEAD else "",
    )
    if not held:
        raise StaleClaimError
    DeliveryAttempt.objects.create(
        delivery=delivery,
        number=delivery.attempts,
        started_at=delivery.started_at or now,
        finished_at=now,
        outcome=AttemptOutcome.SUCCEEDED if failure is None else AttemptOutcome.FAILED,
        error=error,
        status_code=result.status,
        response=storable(result.response, MAX_TEXT),
    )
    if is_asked(delivery):
        end_asked(delivery.event, answered=failure is None)


def _claim(pks: Sequence[int]) -> list[Delivery]:
    """Claim what is still due of these."""
    claim_id = uuid.uuid4()
    Delivery.objects.due().filter(pk__in=pks).take(claim_id)
    return _claimed(claim_id, pks)


def _claimed(claim_id: uuid.UUID, pks: Sequence[int]) -> list[Delivery]:
    return list(Delivery.objects.claimed_with(claim_id, pks).select_related("event__bot", "subscription"))
