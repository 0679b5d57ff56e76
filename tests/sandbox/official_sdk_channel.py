"""A bot on the official SDK's channel. Answers its first message in every way there is, and writes what came of it, as JSON.

Arguments: platform URL, app id, app secret.
"""

# ruff: noqa: TID253 - nothing imports this program; it exists to run the SDK.

import asyncio
import json
import os
import sys
from typing import Any

from lark_oapi.channel import FeishuChannel

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
CARD = {"schema": "2.0", "config": {"update_multi": True}, "body": {"elements": []}}


async def main(url: str, app_id: str, secret: str) -> None:
    channel = FeishuChannel(app_id=app_id, app_secret=secret, domain=url)
    received: asyncio.Queue[Any] = asyncio.Queue()

    loop = asyncio.get_running_loop()

    async def keep(message: Any) -> None:
        # The channel calls its handlers on a loop of its own.
        loop.call_soon_threadsafe(received.put_nowait, message)

    channel.on("message", keep)
    await channel.connect_until_ready(timeout=60)
    first = await received.get()
    chat = first.conversation.chat_id
    sent = await channel.send(chat, {"text": "hello"})
    understood = {
        "heard": first.content_text,
        "bot": channel.bot_identity.name,
        "sent": [
            (await channel.send(chat, message)).success
            for message in (
                {"markdown": "**bold** and `code`"},
                {"image": {"source": PNG}},
                {"file": {"source": b"abc", "file_name": "a.txt"}},
                {"card": CARD},
            )
        ],
        "replied": (await channel.send(chat, {"text": "re"}, {"reply_to": first.id})).success,
        "streamed": (await channel.stream(chat, {"markdown": stream})).success,
        "card": (await channel.stream(chat, {"card": {"initial": CARD, "producer": update}})).success,
        "edited": (await channel.edit_message(sent.message_id, {"text": "hello again"})).success,
        "reacted": (await channel.add_reaction(sent.message_id, "OK")).success,
        "forwarded": (await channel.driver.forward_message(message_id=sent.message_id, chat_id=chat))["code"],
        "recalled": (await channel.recall_message(sent.message_id)).success,
        "chat": (await channel.get_chat_info(chat)).chat_id == chat,
    }
    sys.stdout.write(json.dumps(understood))
    sys.stdout.flush()
    # Its background tasks end with the process alone.
    os._exit(0)


async def stream(card: Any) -> None:
    for word in ("one ", "two ", "three"):
        await card.append(word)


async def update(card: Any) -> None:
    await card.update({**CARD, "body": {"elements": [{"tag": "markdown", "content": "done"}]}})


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
