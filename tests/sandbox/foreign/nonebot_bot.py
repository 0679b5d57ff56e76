"""A bot on NoneBot and its Feishu adapter, unmodified. Arguments: platform URL, app id, app secret, a free port.

Run with the Python of its own environment. Answers every message, and says whose message it was.
"""

import sys

import nonebot
from nonebot.adapters.feishu import Adapter, Bot, MessageEvent


def main(url: str, app_id: str, secret: str, port: str) -> None:
    bot = {"app_id": app_id, "app_secret": secret, "verification_token": "unused", "protocol": "ws"}
    nonebot.init(
        driver="~fastapi+~httpx+~websockets",
        log_level="WARNING",
        host="127.0.0.1",
        port=int(port),
        feishu_bots=[bot],
        feishu_api_base=url,
    )
    nonebot.get_driver().register_adapter(Adapter)
    received = nonebot.on_message()

    @received.handle()
    async def answer(bot: Bot, event: MessageEvent) -> None:
        await bot.send(event, f"re: {event.get_plaintext()}")

    nonebot.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
