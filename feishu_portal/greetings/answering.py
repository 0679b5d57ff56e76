"""Greeting a chat: once for an event, and once in a pause for a chat."""

import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from auth_sessions.command_words import menu_command
from auth_sessions.commands import COMMANDS
from bots.card_templates.service import card_from
from bots.card_templates.variables import declared
from bots.models import Bot
from bots.sending.content import read_content
from core.database.connections import give_back
from events.handling.registry import handler_named
from events.handling.switches import is_switched_on
from events.models import Event
from feishu.cards import literal
from feishu.openapi import OpenAPI, receive_id_type
from feishu_portal.greetings.enums import Occasion
from feishu_portal.greetings.models import Greeted, Greeting

logger = logging.getLogger(__name__)

TOO_OLD: Final = timedelta(minutes=55)
"""Within it every attempt ends, and the platform drops a second message (page "Send message", uuid: an hour). What a replay
brings later greets nobody."""
MAX_NAMES: Final = 20
BUILT_IN: Final = {
    Occasion.WELCOME: "auth_sessions.handlers.greet_newcomer",
    Occasion.MENU: "auth_sessions.handlers.answer_menu",
}
"""The portal's own handlers that answer people on the same occasions, and win."""
PLACE: Final = re.compile(r"\{\{\s{0,9}(\w{0,40})\s{0,9}\}\}")


@dataclass(frozen=True, slots=True)
class Visit:
    """Who came where. ``chat_id``: the group or the chat with the person; for a choice from the menu their open_id."""

    chat_id: str
    chat_name: str = ""
    people: tuple[tuple[str, str], ...] = ()
    """open_id and name."""
    menu_key: str = ""

    def facts(self, bot: Bot) -> dict[str, str]:
        """What a greeting can say; ``person`` is the first one's open_id."""
        names = [name for _open_id, name in self.people if name]
        shown = "、".join(names[:MAX_NAMES]) + ("…" if len(names) > MAX_NAMES else "")
        known = {"bot": bot.name, "chat": self.chat_name, "people": shown}
        person = next((open_id for open_id, _name in self.people if open_id), "")
        return known | ({"person": person} if person else {})


def greet(event: Event, bot: Bot, occasion: Occasion, visit: Visit) -> None:
    """Send the bot's greeting for the occasion, if there is one to be sent. Raises TemplateError or FeishuError; another
    attempt for the same event sends nothing twice."""
    if not visit.chat_id or timezone.now() - event.received_at > TOO_OLD:
        return
    rows = Greeting.objects.filter(bot=bot, occasion=occasion, menu_key=visit.menu_key, enabled=True)
    greeting = rows.select_related("bot", "template").first()
    if greeting is None or built_in_answers(greeting):
        return
    if occasion != Occasion.MENU and not _claim(greeting, visit.chat_id, event):
        return
    msg_type, content = content_of(greeting, visit.facts(bot))
    api = OpenAPI(bot.credentials)
    give_back(before_waiting=True)
    api.send_message(
        visit.chat_id,
        msg_type,
        content,
        receive_id_type=receive_id_type(visit.chat_id),
        uuid=f"greeting-{greeting.pk}-{event.pk}",
    )
    facts = {"app_id": bot.app_id, "event_id": event.event_id, "occasion": occasion.value}
    logger.info("greeting_sent", extra=facts)


def built_in_answers(greeting: Greeting) -> bool:
    """Whether one of the portal's own handlers, which is on for the bot, answers people on the occasion."""
    handler = handler_named(BUILT_IN.get(Occasion(greeting.occasion), ""))
    if handler is None or (
        greeting.occasion == Occasion.MENU and menu_command(greeting.menu_key) not in COMMANDS
    ):
        return False
    # Not by ``switches_of``: a list has read those of all its bots at once.
    switches = {switch.handler: switch.is_on for switch in greeting.bot.handler_switches.all()}
    return is_switched_on(handler, switches)


def content_of(greeting: Greeting, facts: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """The kind of message and its content. Raises ContentError."""
    if greeting.template is not None:
        known = declared(greeting.template.variables)
        values = {name: value for name, value in facts.items() if name in known}
        return "interactive", read_content(card_from(greeting.template, values), msg_type="interactive")
    said = PLACE.sub(lambda found: literal(facts.get(found[1], "")), greeting.text)
    return "text", read_content({"text": said}, msg_type="text")


def _claim(greeting: Greeting, chat_id: str, event: Event) -> bool:
    """Whether this event is the one that the chat is greeted for. By when events arrived: one that is handled again later is
    no newer for it."""
    first = {"event_pk": event.pk, "at": event.received_at}
    with transaction.atomic():
        row, is_new = Greeted.objects.get_or_create(greeting=greeting, chat_id=chat_id, defaults=first)
        if is_new or row.event_pk == event.pk:
            return True
        before = event.received_at - timedelta(minutes=greeting.pause_minutes)
        return bool(Greeted.objects.filter(pk=row.pk, at__lte=before).update(**first))
