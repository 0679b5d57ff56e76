"""A card with a button that counts once. 带按钮的卡片，按钮只生效一次。"""

from events import callback_response, on, on_card, toast
from feishu.cards import button, card, header, markdown
from feishu.message_text import read_message
from feishu.openapi import OpenAPI
from feishu.text import Text


@on("im.message.receive_v1", name="examples.ask_for_approval", atomic=False)
def ask(event, bot):
    message = event.data["message"]
    if read_message(message).text not in {"请假", "leave"}:
        return
    question = card(
        header(Text("请假申请", "Leave request")),
        [
            markdown(Text("明天请假一天，同意吗？", "One day off tomorrow. All right?")),
            button(Text("同意", "Approve"), style="primary", value={"action": "approve_leave"}),
        ],
    )
    OpenAPI(bot.credentials).reply(message["message_id"], "interactive", question, uuid=f"leave-{event.pk}")


@on_card("approve_leave", name="examples.approve", once=True)
def approve(event, bot):
    person = event.data["operator"]["open_id"]
    approved = card(
        header(Text("已同意", "Approved"), "green"),
        [markdown(Text(f"同意人：<at id={person}></at>", f"By <at id={person}></at>"))],
    )
    return callback_response(toast=toast("success", Text("已同意", "Approved")), card=approved)
