"""A test delivery: a made-up event or click, sent at once like any other and recorded nowhere."""

import json
import time
import uuid
from dataclasses import dataclass
from typing import Final

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils import timezone

from core.database.connections import give_back
from events.enums import SubscriptionKind
from events.models import Subscription
from events.subscriptions.http.answers import MAX_ANSWER, Asked, read_answer
from events.subscriptions.http.post import MAX_READ, PushRequest, post
from feishu.callbacks import CLICK
from feishu.cards import Json
from feishu.networks import Networks

EVENT_TYPE: Final = "portal.test"
SAMPLE_CLICK: Final[Json] = {
    "schema": "2.0",
    "header": {
        "event_id": "",
        "event_type": CLICK,
        "create_time": "",
        "token": "",
        "app_id": "",
        "tenant_key": "",
    },
    "event": {
        "operator": {"open_id": "ou_test", "union_id": "on_test", "tenant_key": ""},
        "token": "",
        "action": {"value": {"action": EVENT_TYPE}, "tag": "button"},
        "host": "im_message",
        "context": {"open_message_id": "om_test", "open_chat_id": "oc_test"},
    },
}
"""A click with the action ``portal.test``."""


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """How a test delivery ended: ``asked`` with the answer of a receiver that answers clicks; ``seconds`` until then."""

    __test__ = False  # it is no test of pytest's

    asked: Asked
    seconds: float


def send_test(subscription: Subscription) -> TestOutcome:
    """Send a test event to the receiver, a click to one that answers clicks; takes no longer than any push
    (``post.TOTAL_SECONDS``)."""
    is_asked = subscription.kind == SubscriptionKind.ANSWER
    event_type, payload = (CLICK, SAMPLE_CLICK) if is_asked else (EVENT_TYPE, {})
    now = timezone.now().isoformat()
    event = {
        "id": 0,
        "event_id": "",
        "type": event_type,
        "app_id": "",
        "created_at": now,
        "received_at": now,
        "payload": payload,
    }
    request = PushRequest(
        url=subscription.url,
        message_id=f"test_{uuid.uuid4().hex}",
        payload=json.dumps(event).encode(),
        secrets=subscription.secrets,
        most_read=MAX_ANSWER if is_asked else MAX_READ,
    )
    give_back(before_waiting=True)
    began_at = time.monotonic()
    result = async_to_sync(post)(request, networks=Networks.parse(settings.DELIVERY_NETWORKS))
    asked = read_answer(result, event_type) if is_asked else Asked(result)
    return TestOutcome(asked, time.monotonic() - began_at)
