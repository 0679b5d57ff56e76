"""The handler behind ``bench.card_clicks``, as a company might write one: it asks a slow system and shows what it said."""

import time
from typing import TYPE_CHECKING, Any

from events import callback_response, on_card
from feishu.cards import Json, button, card, markdown
from feishu.text import Text

if TYPE_CHECKING:
    from bots.models import Bot
    from events.models import Event

ACTION = "bench.approve"
SECONDS = 10.0
DONE = "Approved"


def question(number: int) -> Json:
    """The card that is clicked."""
    ask = Text(f"申请 {number}", f"Request {number}")
    approve = button(Text("同意", "Approve"), style="primary", name="approve", value={"action": ACTION})
    return card(header=None, elements=[markdown(ask), approve])


@on_card(ACTION)
def approve(event: "Event", bot: "Bot") -> dict[str, Any]:  # noqa: ARG001 -- a handler's signature
    time.sleep(SECONDS)
    return callback_response(card=card(header=None, elements=[markdown(Text("已同意", DONE))]))
