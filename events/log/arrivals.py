"""What has arrived of a bot, for the doctor: a message shows that the event tab is right, a click that the callback tab is."""

from collections.abc import Iterator
from typing import Final

from bots.doctor.findings import Check, Finding
from bots.doctor.observations import Observation, register
from bots.enums import CheckResult, Transport
from bots.models import Bot
from events.models import Event
from feishu.callbacks import CLICK, OLD_CARD_CALLBACK
from feishu.envelope import MESSAGE_RECEIVED
from feishu.text import Text

_MESSAGE: Final = Text("收到过消息", "A message has arrived")
_CLICK: Final = Text("收到过卡片按钮的点击", "A click on a card has arrived")


@register
def arrivals(bot: Bot) -> Iterator[Observation]:
    """By the latest message and the latest click that are kept."""
    if message := _latest(bot, MESSAGE_RECEIVED):
        yield _in_order(Check.MESSAGES, _MESSAGE, message)
        yield _in_order(Check.FIRST_MESSAGE, _MESSAGE, message)
        yield _in_order(Check.VERSION, _MESSAGE, message)  # subscriptions take effect with one alone
        if message.arrived_by == Transport(bot.transport).value:
            yield _in_order(Check.EVENTS, _MESSAGE, message)
    for event_type in (CLICK, OLD_CARD_CALLBACK):
        if click := _latest(bot, event_type):
            yield _in_order(Check.CLICKS, _CLICK, click)
            if click.arrived_by == bot.callbacks_by.value:
                yield _in_order(Check.CALLBACKS, _CLICK, click)


def _latest(bot: Bot, event_type: str) -> Event | None:
    events = Event.objects.filter(bot=bot, event_type=event_type).only("arrived_by", "received_at")
    return events.order_by("-id").first()


def _in_order(check: Check, cause: Text, event: Event) -> Observation:
    return Observation(Finding(check, CheckResult.OK, cause), event.received_at)
