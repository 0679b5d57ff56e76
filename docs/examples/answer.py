"""A bot that answers what people write to it. 自动回复机器人。"""

from events import on
from feishu.message_text import read_message
from feishu.openapi import OpenAPI


@on("im.message.receive_v1", name="examples.answer", atomic=False)
def answer(event, bot):
    message = event.data["message"]
    text = read_message(message).text
    if not text or text.startswith("/"):
        return  # a picture, or a command of the portal, such as /auth
    # The key lets the platform drop a second reply, should this run twice.
    OpenAPI(bot.credentials).reply(
        message["message_id"], "text", {"text": f"你写了 / You wrote: {text}"}, uuid=f"answer-{event.pk}"
    )
