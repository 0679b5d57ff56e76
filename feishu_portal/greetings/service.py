"""What people do with greetings, each with its entry in the audit log. The handlers of an occasion are on for the bots that
have a greeting for it, and off for all others."""

from collections.abc import Iterable
from typing import Final

from django.db import transaction

from bots.models import Bot
from core.access import audit
from core.access.actors import Actor
from events.handling.registry import handler_named
from events.handling.switches import set_switches
from feishu_portal.greetings.enums import Occasion
from feishu_portal.greetings.models import Greeting

HANDLERS: Final = {
    Occasion.WELCOME: ("greetings.welcome", "greetings.welcome_created"),
    Occasion.BOT_ADDED: ("greetings.bot_added",),
    Occasion.PEOPLE_JOINED: ("greetings.people_joined",),
    Occasion.MENU: ("greetings.menu",),
}
CHANGEABLE: Final = ("text", "template", "pause_minutes", "enabled")


@transaction.atomic
def add_greeting(greeting: Greeting, *, actor: Actor) -> None:
    greeting.save(force_insert=True)
    _audit(greeting, "greeting.created", actor)
    _switch(greeting.bot, actor)


@transaction.atomic
def change_greeting(greeting: Greeting, *, changed: Iterable[str], actor: Actor) -> None:
    """Save what people may change; ``changed`` are the fields' names for the audit log."""
    before = Greeting.objects.get(pk=greeting.pk)
    greeting.save(update_fields=CHANGEABLE)
    _audit(greeting, "greeting.updated", actor, **audit.changes(before, greeting, changed, shown=("text",)))
    _switch(greeting.bot, actor)


@transaction.atomic
def remove_greeting(greeting: Greeting, *, actor: Actor) -> None:
    bot = greeting.bot
    _audit(greeting, "greeting.deleted", actor)
    greeting.delete()
    _switch(bot, actor)


def _switch(bot: Bot, actor: Actor) -> None:
    occasions = set(Greeting.objects.filter(bot=bot, enabled=True).values_list("occasion", flat=True))
    wanted = {
        handler: occasion.value in occasions
        for occasion, names in HANDLERS.items()
        for name in names
        if (handler := handler_named(name)) is not None
    }
    set_switches(bot=bot, wanted=wanted, actor=actor)


def _audit(greeting: Greeting, action: str, actor: Actor, **detail: object) -> None:
    audit.record(
        actor=actor,
        action=action,
        bot=greeting.bot,
        target=greeting.bot.name,
        occasion=greeting.occasion,
        menu_key=greeting.menu_key,
        **detail,
    )
