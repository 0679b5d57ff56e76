"""What operators and systems ask of a bot's long connections, and how these are doing as a whole.

Level-triggered: a request changes the bot's row, the fleet follows within its next round.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.enums import SlotState, Transport
from bots.errors import BotNotFound, WebhookUnprotected
from bots.models import Bot, ConnectionSlot
from bots.models.connections import HEARING
from bots.service import control, save_bot
from core.access.actors import Actor
from core.vault.fields import encrypted_field


class ConnectionState(models.TextChoices):
    """How a bot's connections are doing, all slots taken together."""

    DISCONNECTED = "disconnected", _("Disconnected")
    CONNECTING = "connecting", _("Connecting")
    CONNECTED = "connected", _("Connected")
    ERROR = "error", _("Error")


@dataclass(frozen=True, slots=True)
class BotConnection:
    """One bot's answer to "is it hearing?"; times are those of its longest and its latest connection."""

    bot: Bot
    state: ConnectionState
    connected_at: datetime | None
    last_heartbeat_at: datetime | None
    error: str


def connect(bots: Sequence[Bot], *, actor: Actor) -> None:
    """Hold the bots' connections, and make those that exist anew. Raises BotNotFound if one cannot have any."""
    _check(bots)
    now = timezone.now()
    control(bots, actor=actor, action="bot.connect", values={"connect": True, "reconnect_asked_at": now})


def disconnect(bots: Sequence[Bot], *, actor: Actor) -> None:
    """Let go of the bots' connections until somebody connects them again. Raises BotNotFound likewise."""
    _check(bots)
    control(bots, actor=actor, action="bot.disconnect", values={"connect": False})


def switch_transport(bot: Bot, *, transport: Transport, actor: Actor) -> None:
    """Have the bot's events arrive by another way; the fleet follows. The developer console has to follow as well.

    Raises WebhookUnprotected when the bot lacks what proves that a request comes from the platform.
    """
    is_set = [encrypted_field(Bot, name).is_set(bot) for name in ("encrypt_key", "verification_token")]
    if transport == Transport.WEBHOOK and not any(is_set):
        raise WebhookUnprotected(bot.app_id)
    if bot.transport != transport:
        bot.transport = transport
        save_bot(bot, changed=["transport"], actor=actor)


def _check(bots: Sequence[Bot]) -> None:
    for bot in bots:
        if not bot.enabled or bot.transport != Transport.WEBSOCKET:
            raise BotNotFound(bot.app_id)


def states_of(bots: Sequence[Bot]) -> list[BotConnection]:
    """How the connections of these bots are doing, in their order. One query."""
    slots: dict[object, list[ConnectionSlot]] = {}
    for slot in ConnectionSlot.objects.filter(HEARING | ~models.Q(state=SlotState.CONNECTED), bot__in=bots):
        slots.setdefault(slot.bot_id, []).append(slot)
    return [_together(bot, slots.get(bot.pk, [])) for bot in bots]


def _together(bot: Bot, slots: list[ConnectionSlot]) -> BotConnection:
    wanted = bot.enabled and bot.connect and bot.transport == Transport.WEBSOCKET
    states = {slot.state for slot in slots} if wanted else set()
    return BotConnection(
        bot=bot,
        state=_state(states, wanted=wanted),
        connected_at=min((slot.connected_at for slot in slots if slot.connected_at), default=None)
        if wanted
        else None,
        last_heartbeat_at=max(
            (slot.last_heartbeat_at for slot in slots if slot.last_heartbeat_at), default=None
        ),
        error=next((slot.error_text for slot in slots if slot.error_text), "") if wanted else "",
    )


def _state(states: set[str], *, wanted: bool) -> ConnectionState:
    """One slot that hears is enough to hear; a person is needed only when none does."""
    if SlotState.CONNECTED in states:
        return ConnectionState.CONNECTED
    if SlotState.ERROR in states:
        return ConnectionState.ERROR
    return ConnectionState.CONNECTING if wanted else ConnectionState.DISCONNECTED
