"""What no call to the platform shows, and only use does: a message that arrives, a person who authorizes."""

from collections.abc import Iterator

from bots.doctor.findings import Check, Finding
from bots.enums import CheckResult
from feishu.text import Text


def awaited() -> Iterator[Finding]:
    """What is said of these as long as nothing was seen."""
    yield Finding(
        Check.AVAILABILITY,
        CheckResult.UNKNOWN,
        Text("平台的应用信息中没有可用范围", "The platform's answer about the app does not tell it"),
        Text(
            "在“版本管理与发布”中确认可用范围包含使用机器人的成员，否则会看到错误 20010",
            "Make sure under “Version Management & Release” that whoever uses the bot is in its availability: others get "
            "error 20010",
        ),
    )
    yield Finding(
        Check.FIRST_MESSAGE,
        CheckResult.WAITING,
        Text("还没有收到过消息", "No message has arrived yet"),
        Text("在飞书中打开与机器人的会话，发送 /auth", "Open the chat with the bot and write /auth"),
        value="/auth",
    )
    yield Finding(
        Check.FIRST_AUTHORIZATION,
        CheckResult.WAITING,
        Text("还没有人授权", "Nobody has authorized yet"),
        Text(
            "点击机器人回复的卡片上的“去授权”；也可在机器人页面点击“发送授权卡片”",
            "Follow the card that the bot answers with, or choose “Send authorization card” on the bot's page",
        ),
    )
