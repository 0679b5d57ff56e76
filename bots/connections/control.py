"""What operators and systems ask of a bot's long connections.

Level-triggered: a request changes the bot's row, the fleet follows within its next round.
"""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from bots.enums import Transport
from bots.errors import BotNotFound, WebhookUnprotected
from bots.models import Bot
from bots.service import control, save_bot
from core.access.actors import Actor
from core.vault.fields import encrypted_field


def connect(bots: Sequence[Bot], *, actor: Actor) -> None:
    """Open the bots' connections, and replace those that are open. Raises BotNotFound if one cannot have any."""
    _check(bots)
    now = timezone.now()
    control(bots, actor=actor, action="bot.connect", values={"connect": True, "reconnect_asked_at": now})


@transaction.atomic
def bring_to_connection(bots: Sequence[Bot], *, actor: Actor) -> None:
    """``connect``, also of bots without a long connection: from now on their events and callbacks come by one. Raises
    BotNotFound if one is switched off."""
    for bot in bots:
        if bot.enabled and not bot.uses_connection:
            switch_transport(bot, transport=Transport.WEBSOCKET, actor=actor)
    connect(bots, actor=actor)


def disconnect(bots: Sequence[Bot], *, actor: Actor) -> None:
    """Close the bots' connections until somebody connects them again. Raises BotNotFound likewise."""
    _check(bots)
    control(bots, actor=actor, action="bot.disconnect", values={"connect": False})


def switch_transport(bot: Bot, *, transport: Transport, actor: Actor) -> None:
    """Have the bot's events and callbacks arrive by ``transport``; the fleet follows. The developer console has to follow as
    well.

    Raises WebhookUnprotected when the bot lacks what proves that a request comes from the platform.
    """
    is_set = [encrypted_field(Bot, name).is_set(bot) for name in ("encrypt_key", "verification_token")]
    if transport == Transport.WEBHOOK and not any(is_set):
        raise WebhookUnprotected(bot.app_id)
    wanted = {"transport": transport, "callback_transport": ""}
    changed = [name for name, value in wanted.items() if getattr(bot, name) != value]
    if changed:
        bot.transport, bot.callback_transport = transport, ""
        save_bot(bot, changed=changed, actor=actor)


def _check(bots: Sequence[Bot]) -> None:
    for bot in bots:
        if not bot.enabled or not bot.uses_connection:
            raise BotNotFound(bot.app_id)
