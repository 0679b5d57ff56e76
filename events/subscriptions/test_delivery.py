"""A test delivery: an event of the type ``portal.test``, pushed at once like any other and recorded nowhere."""

import json
import uuid

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils import timezone

from events.models import Subscription
from events.subscriptions.http.post import PushRequest, PushResult, post
from feishu.networks import Networks

EVENT_TYPE = "portal.test"


def send_test(subscription: Subscription) -> PushResult:
    """Push a test event to the receiver; takes no longer than any push (``post.TOTAL_SECONDS``)."""
    now = timezone.now().isoformat()
    event = {
        "id": 0,
        "event_id": "",
        "type": EVENT_TYPE,
        "app_id": "",
        "created_at": now,
        "received_at": now,
        "payload": {},
    }
    request = PushRequest(
        url=subscription.url,
        message_id=f"test_{uuid.uuid4().hex}",
        payload=json.dumps(event).encode(),
        secrets=subscription.secrets,
    )
    return async_to_sync(post)(request, networks=Networks.parse(settings.DELIVERY_NETWORKS))
