import pytest

from bots.doctor.developer_console import chat_with, console_page
from bots.models import Bot


def bot(platform: str, open_url: str = "") -> Bot:
    return Bot(app_id="cli_a1", platform=platform, open_url=open_url, accounts_url=open_url)


@pytest.mark.parametrize(
    ("app", "console", "chat"),
    [
        (bot("feishu"), "https://open.feishu.cn/app/cli_a1/safe", "https://applink.feishu.cn/client/bot/open?appId=cli_a1"),
        (bot("lark"), "https://open.larksuite.com/app/cli_a1/safe", "https://applink.larksuite.com/client/bot/open?appId=cli_a1"),
        (bot("custom", "https://open.feishu.cn"), "https://open.feishu.cn/app/cli_a1/safe", "https://applink.feishu.cn/client/bot/open?appId=cli_a1"),
        (bot("custom", "https://gateway.example.com/feishu"), "", ""),
        (bot("custom", "http://127.0.0.1:7000"), "", ""),
    ],
)  # fmt: skip
def test_links_lead_to_the_console_and_the_chat_of_the_bots_own_platform(app, console, chat):
    assert (console_page(app, "safe"), chat_with(app)) == (console, chat)


def test_a_row_without_a_page_has_no_link():
    assert console_page(bot("feishu"), "") == ""
