"""Events as they arrive over the long connection, and messages that the handler of commands has read."""

import json
from typing import Any

from auth_sessions import handlers
from bots.models import Bot
from events.enums import Arrived
from events.ingress.incoming import read_event
from events.ingress.store_once import store
from events.models import Event
from tests.factories import message_event


def arrived(bot: Bot, payload: Any) -> Event:
    body = json.dumps(payload).encode()
    [stored] = store([read_event(bot_id=bot.pk, payload=body, arrived_by=Arrived.WEBSOCKET)])
    return Event.objects.get(pk=stored.event_pk)


def write(bot: Bot, **values: Any) -> Event:
    event = arrived(bot, message_event(**values))
    handlers.answer_command(event, bot)
    return event
