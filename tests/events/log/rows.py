"""Events as they stand in the log."""

import json
from typing import Any
from uuid import uuid4

from django.utils import timezone

from bots.models import Bot
from events.enums import EventStatus
from events.models import Event

NOW = timezone.now()


def make_event(bot: Bot, *, text: str = "", payload: bytes | None = None, **values: Any) -> Event:
    body = payload if payload is not None else json.dumps({"event": {"text": text}}).encode()
    key = uuid4().hex
    defaults = {
        "dedupe_key": key,
        "event_id": key,
        "event_type": "im.message.receive_v1",
        "arrived_by": "websocket",
        "status": EventStatus.DONE,
        "created_at": NOW,
        "received_at": NOW,
    }
    return Event.objects.create(bot=bot, payload=body, **(defaults | values))
