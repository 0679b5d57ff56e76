"""Which handlers run for which bot."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction

from bots.models import Bot
from core.access import audit
from core.access.actors import Actor
from core.database.sql import ask, marks, uuid_of
from events.handling.registry import Registration
from events.models import HandlerSwitch


def switches_of(bot_id: UUID) -> dict[str, bool]:
    """What operators said about handlers of this bot, by the handler's name."""
    return switches_by_bot([bot_id])[bot_id]


def switches_by_bot(bot_ids: Sequence[UUID]) -> dict[UUID, dict[str, bool]]:
    """The same for several bots in one statement."""
    switches: dict[UUID, dict[str, bool]] = {bot_id: {} for bot_id in bot_ids}
    sql = f"SELECT bot_id, handler, is_on FROM events_handlerswitch WHERE bot_id IN ({marks(bot_ids)})"  # noqa: S608 -- constants
    for bot_id, handler, is_on in ask(sql, bot_ids):
        switches[uuid_of(bot_id)][handler] = bool(is_on)
    return switches


def is_switched_on(handler: Registration, switches: Mapping[str, bool]) -> bool:
    """Whether the handler runs for the bot with these switches."""
    return switches.get(handler.name, handler.is_on)


@transaction.atomic
def set_switches(*, bot: Bot, wanted: Mapping[Registration, bool], actor: Actor) -> None:
    """Switch handlers of one bot on or off, those that are not so already."""
    switches = switches_of(bot.pk)
    for handler, is_on in wanted.items():
        if is_on != is_switched_on(handler, switches):
            set_switch(bot=bot, handler=handler, is_on=is_on, actor=actor)


@transaction.atomic
def set_switch(*, bot: Bot, handler: Registration, is_on: bool, actor: Actor) -> None:
    """Switch one handler of one bot on or off. Events that arrive from now on follow; so do those that still wait."""
    HandlerSwitch.objects.update_or_create(bot=bot, handler=handler.name, defaults={"is_on": is_on})
    audit.record(
        actor=actor,
        action="handler.switched_on" if is_on else "handler.switched_off",
        bot=bot,
        target=handler.name,
    )
