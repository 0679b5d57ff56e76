"""For people who write handlers::

from events import callback_response, is_addressed, on, on_card, saved_card, toast

@on("im.message.receive_v1")
def greet(event, bot): ...

@on_card("approve")
def approve(event, bot):
    return callback_response(toast=toast("success", Text("已批准", "Approved")), card=saved_card(bot, "approved", {"by": "Lin"}))

@on("url.preview.get")
def preview(event, bot):
    return link_preview(Text("订单 4711", "Order 4711"))
"""

from events.addressing import is_addressed
from events.handling.registry import on, on_card
from events.saved_cards import saved_card
from feishu.cards import callback_response, link_preview, toast

__all__ = ["callback_response", "is_addressed", "link_preview", "on", "on_card", "saved_card", "toast"]
