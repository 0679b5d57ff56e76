"""Deliveries that are pushed: whose turn it is, and what a receiver's answer makes of them."""

import logging
import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Subquery
from django.utils import timezone

from core.access import audit
from core.access.actors import SYSTEM
from core.database.text import storable
from events.enums import SENDING, DeliveryFailure, DeliveryStatus, SubscriptionKind, SubscriptionState
from events.errors import StaleClaimError
from events.models import Delivery, Subscription
from events.subscriptions.completion import finish
from events.subscriptions.http.post import PushRequest, PushResult
from events.subscriptions.payload import payload_of

logger = logging.getLogger("events.subscriptions.http")

LADDER = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds before the next try: three days and more, after which a delivery is dead."""
TRIES = len(LADDER) + 1
LATER = 0.2
"""By so much of it a wait may be longer, never shorter, so that a crowd does not come back as one."""
LONGEST_WISH = 6 * 3600.0  # seconds of a Retry-After that are honoured
BREAK_AFTER = 10  # failures in a row
PROBES = (60, 300, 900, 1800, 3600)  # seconds between probes of a subscription that keeps failing
AT_ONCE = 64  # subscriptions looked at in one round
WORKER_LOST = "Every attempt ended with its worker: none came back to say how."


def waiting_subscriptions(limit: int = AT_ONCE) -> list[uuid.UUID]:
    """Subscriptions with something to be pushed now, the one served longest ago first."""
    due = Delivery.objects.due().filter(subscription=OuterRef("pk"))
    rows = Subscription.objects.sending().filter(Exists(due))
    return list(rows.order_by(F("served_at").asc(nulls_first=True)).values_list("pk", flat=True)[:limit])


@transaction.atomic
def claim_for(subscription_id: uuid.UUID, *, limit: int) -> list[Delivery]:
    """Claim what is due for a subscription, up to ``limit`` and within its rate; one alone while it is probed. Nothing
    when somebody else is claiming for it."""
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
        subscription.probe_at = now + timedelta(seconds=PROBES[0])
    due = Delivery.objects.due().filter(subscription=subscription).order_by("run_at", "pk")
    pks = list(due.values_list("pk", flat=True)[: min(limit, _allowed(subscription, now))])
    claim_id = uuid.uuid4()
    Delivery.objects.due().filter(pk__in=pks).take(claim_id)
    claimed = _claimed(claim_id, pks)
    subscription.served_at = now
    subscription.next_start_at = _next_start(subscription, now, len(claimed))
    subscription.save(update_fields=["served_at", "next_start_at", "probe_at"])
    return claimed


def seconds_to_next() -> float:
    """How long until something may be pushed that may not be now; infinite when nothing waits."""
    now = timezone.now()
    later = Delivery.objects.waiting().filter(subscription=OuterRef("pk"), run_at__gt=now)
    soonest = Subscription.objects.sending().annotate(
        next_try=Subquery(later.order_by("run_at").values("run_at")[:1])
    )
    moments = (
        soonest.aggregate(moment=Min("next_try"))["moment"],
        Subscription.objects.filter(next_start_at__gt=now).aggregate(moment=Min("next_start_at"))["moment"],
    )
    return min(((moment - now).total_seconds() for moment in moments if moment), default=float("inf"))


def claim_abandoned(limit: int) -> list[Delivery]:
    """Claim pushes whose process is gone; sending them twice is better than never."""
    lost = Delivery.objects.abandoned()
    pks = list(lost.order_by("lease_until").values_list("pk", flat=True)[:limit])
    claim_id = uuid.uuid4()
    return _claimed(claim_id, pks) if pks and lost.filter(pk__in=pks).take(claim_id) else []


def request_of(delivery: Delivery) -> PushRequest:
    """What is sent for a claimed delivery. Raises ValueError for an event that cannot be read."""
    subscription = delivery.subscription
    return PushRequest(
        subscription.url, f"dlv_{delivery.pk}", payload_of(delivery.event), subscription.secrets
    )


def may_be_sent(delivery: Delivery) -> bool:
    """Whether a delivery that was claimed from a process that is gone still has somebody to go to."""
    subscription = delivery.subscription
    return (
        subscription.kind == SubscriptionKind.PUSH
        and subscription.state in SENDING
        and subscription.removed_at is None
    )


def end_lost(delivery: Delivery) -> None:
    """End a delivery of which no attempt came back to say how it ended."""
    with transaction.atomic():
        finish(
            delivery,
            status=DeliveryStatus.DEAD,
            finished_at=timezone.now(),
            error=WORKER_LOST,
            failure=DeliveryFailure.WORKER_LOST,
        )


def settle(delivery: Delivery, result: PushResult) -> None:
    """Note what came of a try: the delivery has ended or is tried again, and the subscription is well, failing or gone."""
    subscription = delivery.subscription
    try:
        with transaction.atomic():
            (_succeed if result.is_success else _fail)(delivery, result)
            (_be_well if result.is_success else _be_troubled)(subscription, result)
    except StaleClaimError:
        logger.warning("delivery_taken_over", extra={"delivery": delivery.pk})


def _succeed(delivery: Delivery, result: PushResult) -> None:
    finish(
        delivery,
        status=DeliveryStatus.SUCCEEDED,
        finished_at=timezone.now(),
        status_code=result.status,
        answer=storable(result.response, 1000),
    )


def _fail(delivery: Delivery, result: PushResult) -> None:
    failure = DeliveryFailure.UNREACHABLE if result.status is None else DeliveryFailure.REFUSED
    error = storable(result.summary, 1000)
    values: dict[str, Any] = {"error": error, "failure": failure}
    values |= {"status_code": result.status, "answer": storable(result.response, 1000)}
    if delivery.attempts >= TRIES:
        finish(delivery, status=DeliveryStatus.DEAD, finished_at=timezone.now(), **values)
        return
    run_at = timezone.now() + timedelta(seconds=pause_after(delivery.attempts, result))
    finish(delivery, status=DeliveryStatus.RETRYING, run_at=run_at, **values)


def pause_after(attempts: int, result: PushResult) -> float:
    """Seconds before the next try: the ladder's, or what a busy receiver asks for where that is longer."""
    wait = LADDER[min(attempts, len(LADDER)) - 1] * random.uniform(1.0, 1.0 + LATER)  # noqa: S311 -- jitter
    if result.is_overloaded and result.retry_after is not None:
        return max(wait, min(result.retry_after, LONGEST_WISH))
    return wait


def _be_well(subscription: Subscription, result: PushResult) -> None:  # noqa: ARG001 -- the same shape as its opposite
    now = timezone.now()
    row = Subscription.objects.filter(pk=subscription.pk)
    row.update(last_success_at=now, failures=0)
    if row.filter(state=SubscriptionState.FAILING).update(
        state=SubscriptionState.ACTIVE, state_since=now, probe_at=None
    ):
        _note(subscription, "subscription.recovered")


def _be_troubled(subscription: Subscription, result: PushResult) -> None:
    now = timezone.now()
    row = Subscription.objects.filter(pk=subscription.pk)
    row.update(last_failure_at=now, last_error=storable(result.summary, 500), failures=F("failures") + 1)
    failures = row.values_list("failures", flat=True).get()
    if result.is_gone:
        if row.filter(state__in=SENDING).update(state=SubscriptionState.GONE, state_since=now, probe_at=None):
            _note(subscription, "subscription.gone")
    elif failures >= BREAK_AFTER:
        probe = PROBES[min(failures - BREAK_AFTER, len(PROBES) - 1)]
        probe_at = now + timedelta(seconds=probe)
        if row.filter(state=SubscriptionState.ACTIVE).update(
            state=SubscriptionState.FAILING, state_since=now, probe_at=probe_at
        ):
            _note(subscription, "subscription.failing", failures=failures)
        else:
            row.filter(state=SubscriptionState.FAILING).update(probe_at=probe_at)


def _note(subscription: Subscription, action: str, **detail: Any) -> None:
    logger.warning(action.replace(".", "_"), extra={"subscription": str(subscription.pk)})
    audit.record(
        actor=SYSTEM, action=action, target=subscription.name, subscription=str(subscription.pk), **detail
    )


def _claimed(claim_id: uuid.UUID, pks: Sequence[int]) -> list[Delivery]:
    return list(Delivery.objects.claimed_with(claim_id, pks).select_related("event__bot", "subscription"))


def _allowed(subscription: Subscription, now: datetime) -> int:
    """How many pushes may start now: what a second's worth of the rate has not used up yet."""
    rate = subscription.per_second
    if not rate:
        return AT_ONCE
    if subscription.next_start_at is None:
        return rate
    return 1 + int((now - max(subscription.next_start_at, now - timedelta(seconds=1))).total_seconds() * rate)


def _next_start(subscription: Subscription, now: datetime, started: int) -> datetime | None:
    rate = subscription.per_second
    if not rate:
        return None
    since = max(subscription.next_start_at or now, now - timedelta(seconds=1))
    return since + timedelta(seconds=started / rate)
