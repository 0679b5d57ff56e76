"""Silences: asking Alertmanager to notify nobody of a group for a while.

API v2 (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml). The address was typed by an operator, so
the request leaves the way deliveries do, by their rule for networks.
"""

import json
import logging
import uuid
from datetime import datetime, timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils import timezone

from core.access.actors import Actor
from core.database.connections import give_back
from core.database.text import storable
from events.subscriptions.http.failures import NOT_JSON
from events.subscriptions.http.post import PushRequest, post
from feishu.networks import Networks
from feishu_portal.alerts.errors import SilenceNotSet
from feishu_portal.alerts.groups import note_silence
from feishu_portal.alerts.models import AlertGroup

logger = logging.getLogger(__name__)


def silence(group: AlertGroup, *, hours: int, actor: Actor) -> None:
    """Silence everything with the group's labels from now on. Raises SilenceNotSet. Call it outside a transaction; takes no
    longer than any push (``post.TOTAL_SECONDS``)."""
    until = timezone.now() + timedelta(hours=hours)
    request = PushRequest(
        url=f"{group.receiver.alertmanager_url.rstrip('/')}/api/v2/silences",
        message_id=f"silence_{uuid.uuid4().hex}",
        payload=json.dumps(_silence(group, until=until, actor=actor)).encode(),
        secrets=(),
    )
    give_back(before_waiting=True)
    result = async_to_sync(post)(request, networks=Networks.parse(settings.DELIVERY_NETWORKS))
    if not result.is_success:
        logger.warning("alert_not_silenced", extra={"alert_group": group.pk, "error": result.summary})
        raise SilenceNotSet(result.summary)
    note_silence(group, silence_id=_id_in(result.body, status=result.status), until=until, actor=actor)


def _silence(group: AlertGroup, *, until: datetime, actor: Actor) -> dict[str, Any]:
    return {
        "matchers": [
            {"name": name, "value": value, "isRegex": False, "isEqual": True}
            for name, value in group.content["matchers"]
        ],
        "startsAt": timezone.now().isoformat(),
        "endsAt": until.isoformat(),
        "createdBy": str(actor),
        "comment": f"Feishu Portal: {group.receiver.name}",
    }


def _id_in(body: bytes | None, *, status: int | None) -> str:
    try:
        return storable(str(json.loads(body or b"")["silenceID"]), 64)
    except (ValueError, LookupError, TypeError, RecursionError):
        raise SilenceNotSet(NOT_JSON(status=status)) from None
