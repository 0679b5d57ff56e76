"""Asking an internal system for the answer to a callback that no handler of the portal answers.

One delivery and one attempt, made while the person waits, in the process where the callback arrived.
"""

import asyncio
import logging
import uuid
from contextlib import suppress

from django.conf import settings
from django.db import Error, transaction
from django.utils import timezone

from core.database.clock import DatabaseTime
from core.database.connections import give_back
from core.database.errors import described
from events.clicks.records import end_asked
from events.enums import DeliveryFailure, DeliveryStatus, SubscriptionState
from events.models import Delivery, Event, Subscription
from events.models.claims import LEASE
from events.subscriptions.circuit_breaker import take_probe
from events.subscriptions.fan_out import deliveries_for, end_undelivered
from events.subscriptions.http.answers import read_answer
from events.subscriptions.http.failures import KEEPS_FAILING, NOT_BUILT
from events.subscriptions.http.post import TOTAL_SECONDS, PushRequest, PushResult, post
from events.subscriptions.push import build_request, settle
from feishu.cards import Json
from feishu.networks import Networks

logger = logging.getLogger(__name__)


def begin_asking(event: Event) -> Delivery | None:
    """The delivery to the subscription that answers the callback, claimed from the start; None where there is none. One whose
    receiver cannot be asked is dead, and the event has ended with it."""
    found = deliveries_for(event, Subscription.objects.answering(event.bot))
    if not found:
        return None
    [delivery] = found
    subscription = delivery.subscription
    is_probe = delivery.status != DeliveryStatus.DEAD and subscription.state == SubscriptionState.FAILING
    if is_probe and not take_probe(subscription):
        end_undelivered(delivery, DeliveryFailure.NOT_ASKED, KEEPS_FAILING())
    if delivery.status == DeliveryStatus.DEAD:
        with transaction.atomic():
            delivery.save(force_insert=True)
            end_asked(event, answered=False)
        return delivery
    delivery.status, delivery.attempts = DeliveryStatus.RUNNING, 1
    delivery.claim_id, delivery.started_at = uuid.uuid4(), timezone.now()
    # Longer than the request may take, so that nobody has to renew the lease.
    delivery.lease_until = DatabaseTime(TOTAL_SECONDS + LEASE.total_seconds())
    delivery.save(force_insert=True)
    return delivery


def ask(delivery: Delivery) -> Json | None:
    """Ask the receiver and record how that ended. Its answer; None where it gave none that can be shown."""
    try:
        request = build_request(delivery)
    except Exception as error:
        # An event that cannot be read, or a secret that cannot be opened.
        logger.exception("push_request_not_built", extra={"delivery": delivery.pk})
        result = PushResult(None, error=NOT_BUILT(said=f"{type(error).__name__}: {error}"))
    else:
        give_back(before_waiting=True)
        result = _posted(request)
    asked = read_answer(result, delivery.event.event_type)
    try:
        settle(delivery, asked.result)
    except Error as error:
        # The person gets the answer all the same. The lease runs out.
        logger.warning("delivery_not_noted", extra={"delivery": delivery.pk, **described(error)})
    return asked.answer


def _posted(request: PushRequest) -> PushResult:
    """On an event loop of this thread's own. Closed without waiting for its threads: a name that nobody resolves may hold
    one for longer than the request may take."""
    loop = asyncio.new_event_loop()
    posting = loop.create_task(post(request, networks=Networks.parse(settings.DELIVERY_NETWORKS)))
    try:
        return loop.run_until_complete(posting)
    finally:
        if not posting.done():  # the thread was given up
            posting.cancel()
            with suppress(asyncio.CancelledError):
                loop.run_until_complete(posting)
        loop.close()
