"""A test message to a receiver: sent at once, as a delivery would be, and written down nowhere."""

import json
import uuid

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils import timezone

from events.models import Subscription
from events.subscriptions.http.networks import Networks
from events.subscriptions.http.post import Letter, Reply, post

TYPE = "portal.test"


def send_test(subscription: Subscription) -> Reply:
    """Push an event of the type ``portal.test`` and say how that went; bounded in time like every push."""
    now = timezone.now().isoformat()
    body = {
        "id": 0,
        "event_id": "",
        "type": TYPE,
        "app_id": "",
        "created_at": now,
        "received_at": now,
        "payload": {},
    }
    letter = Letter(
        subscription.url, f"test_{uuid.uuid4().hex}", json.dumps(body).encode(), subscription.secrets
    )
    return async_to_sync(post)(letter, networks=Networks.parse(settings.DELIVERY_NETWORKS))
