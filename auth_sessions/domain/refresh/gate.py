"""The gate of an app: the rate that all its refreshers share, and a pause while the platform refuses the app itself.

The platform allows 50 requests a second and 1000 a minute for each app, tenant and API (page "Rate limits"). The portal
stays below the latter and spaces requests evenly, which leaves room for people who log in. One row per app keeps the
account, and the row count of a conditional update decides: any number of refreshers on any number of hosts share it.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from auth_sessions.models import RefreshGate
from auth_sessions.notify import notify_refresh
from bots.models import Bot
from core.access import audit
from core.access.actors import SYSTEM, Actor
from core.background.pace import Pace
from core.database.text import storable

logger = logging.getLogger(__name__)

PROBE_EVERY = timedelta(minutes=5)


def reserve(bot: Bot, most: int) -> int:
    """How many refresh tokens of this app may be sent now, ``most`` at most; they count as sent."""
    gate, now, pace = _gate_of(bot), timezone.now(), Pace(rate=settings.REFRESH_PER_SECOND)
    count = min(most, pace.allowed(gate.next_start_at, now))
    if count <= 0:
        return 0
    won = RefreshGate.objects.filter(pk=gate.pk, next_start_at=gate.next_start_at)
    return count if won.update(next_start_at=pace.after(gate.next_start_at, now, count)) else 0


def hold_back(bot: Bot, seconds: float) -> None:
    """The platform asked to be called less often: no refresher sends anything for this app for ``seconds``."""
    until = timezone.now() + timedelta(seconds=seconds)
    sooner = Q(next_start_at=None) | Q(next_start_at__lt=until)
    RefreshGate.objects.filter(sooner, pk=_gate_of(bot).pk).update(next_start_at=until)


def pause(bot: Bot, *, code: int | None, log_id: str, reason: str = "") -> None:
    """The platform refused the app itself, so no grant is at fault. The operator is notified once, by an incident."""
    now, log_id = timezone.now(), storable(log_id, 128)
    gate = RefreshGate.objects.filter(pk=_gate_of(bot).pk)
    why = {"code": code, "reason": reason, "log_id": log_id}
    if not gate.filter(paused_at=None).update(paused_at=now, probed_at=now, **why):
        gate.update(**why)
        return
    logger.error(
        "app_refresh_paused",
        extra={"app_id": bot.app_id, "platform_code": code, "reason": reason, "log_id": log_id},
    )
    audit.record(actor=SYSTEM, action="bot.refresh_paused", bot=bot, target=bot.app_id, code=code)


def resume(bot: Bot) -> None:
    """The platform accepts the app again."""
    if RefreshGate.objects.filter(pk=bot.pk).exclude(paused_at=None).update(**_OPEN):
        logger.info("app_refresh_resumed", extra={"app_id": bot.app_id})
        audit.record(actor=SYSTEM, action="bot.refresh_resumed", bot=bot, target=bot.app_id)


_OPEN = {"paused_at": None, "probed_at": None, "code": None, "reason": "", "log_id": ""}


def probe_soon(bot: Bot, *, actor: Actor) -> bool:
    """An operator has corrected something: submit one grant of the paused app next. False when it is not paused."""
    with transaction.atomic():
        paused = RefreshGate.objects.filter(pk=bot.pk).exclude(paused_at=None).update(probed_at=None)
        if paused:
            audit.record(actor=actor, action="bot.refresh_probed", bot=bot, target=bot.app_id)
            notify_refresh()
    return bool(paused)


def is_paused(bot: Bot) -> bool:
    return RefreshGate.objects.filter(pk=bot.pk).exclude(paused_at=None).exists()


def take_probe(bot: Bot) -> bool:
    """Whether one grant of a paused app may be submitted now: every five minutes, and as soon as the bot was changed."""
    now = timezone.now()
    waited = Q(probed_at=None) | Q(probed_at__lte=now - PROBE_EVERY) | Q(probed_at__lt=F("bot__updated_at"))
    # Found first and then taken by what it held: an update cannot look into the bot.
    for probed_at in RefreshGate.objects.filter(waited, pk=bot.pk).values_list("probed_at", flat=True):
        return bool(RefreshGate.objects.filter(pk=bot.pk, probed_at=probed_at).update(probed_at=now))
    return False


def _gate_of(bot: Bot) -> RefreshGate:
    return RefreshGate.objects.get_or_create(bot=bot)[0]
