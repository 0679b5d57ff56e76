"""Bots that are connected and bots that are not, and what the detectors make of them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from bots.enums import SlotState
from bots.incidents.detection import RECOVERY, detect
from bots.models import Bot, Incident
from tests.factories import make_bot

LONG = timedelta(hours=1)


def connected_bot() -> Bot:
    """With two connections, unchanged for an hour."""
    bot = make_bot(slot_count=2)
    Bot.objects.update(updated_at=timezone.now() - LONG)
    connect(bot)
    return bot


def connect(bot: Bot, **values: Any) -> None:
    now = timezone.now()
    standing = {"state": SlotState.CONNECTED, "lease_until": now + LONG, "down_since": None}
    cleared = {"error_code": None, "error_message": ""}
    bot.slots.update(holder=uuid4(), **(standing | cleared | values))


def fall(bot: Bot, code: int | None = None, *, minutes: float = 10) -> None:
    since = timezone.now() - timedelta(minutes=minutes)
    connect(
        bot,
        state=SlotState.ERROR,
        down_since=since,
        error_code=code,
        error_message="" if code is None else "refused",
    )


def causes() -> list[tuple[str, bool]]:
    detect()
    return [(row.cause, row.closed_at is None) for row in Incident.objects.order_by("pk")]


def pass_time() -> None:
    Incident.objects.update(recovered_at=timezone.now() - RECOVERY)
