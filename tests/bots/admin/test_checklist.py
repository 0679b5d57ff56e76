"""How the checklist is drawn; what is in it is in the tests of the doctor."""

from datetime import UTC, datetime

import pytest
from django.utils.translation import override

from bots.admin.checklist import drawn
from bots.doctor.checklist import ITEMS, Checklist, ChecklistRow
from bots.doctor.findings import AFTER_ANOTHER, Check, Finding
from bots.doctor.records import CheckState
from bots.enums import CheckResult
from bots.models import Bot
from feishu.text import Text

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHAT = "https://applink.feishu.cn/client/bot/open?appId=cli_a1b2c3d4e5f60718"
LABELS = {
    "en": ("Open it on a phone", "QR code that opens the chat with the bot"),
    "zh-hans": ("在手机上打开", "打开与机器人会话的二维码"),
}


def page_with(check: Check, result: CheckResult, link: str) -> str:
    state = CheckState(
        Finding(check, result, Text("还没有收到过消息", "No message has arrived yet")), NOW, NOW
    )
    return drawn(Checklist(Bot(name="Helper"), [ChecklistRow(state, ITEMS[check], link)], NOW))


@pytest.mark.parametrize("language", LABELS)
def test_chat_opens_on_a_phone_by_a_code_that_unfolds(language: str) -> None:
    summary, label = LABELS[language]
    with override(language):
        html = page_with(Check.FIRST_MESSAGE, CheckResult.WAITING, CHAT)
    [code] = html.split('data-testid="chat-code"')[1:]
    code = code.partition("</details>")[0]
    assert f"<summary>{summary}</summary>" in code
    assert f'role="img" aria-label="{label}"' in code
    assert "<svg" in code
    assert 'fill="#fff"' in code
    assert "style=" not in code


@pytest.mark.parametrize(
    ("check", "result", "link"),
    [
        (Check.FIRST_MESSAGE, CheckResult.WAITING, ""),
        (Check.FIRST_MESSAGE, CheckResult.OK, CHAT),
        (Check.VERSION, CheckResult.WRONG, "https://open.feishu.cn/app/cli_a1b2c3d4e5f60718/version"),
    ],
)
def test_no_code_where_no_chat_is_to_be_opened(check: Check, result: CheckResult, link: str) -> None:
    html = page_with(check, result, link)
    assert "chat-code" not in html
    assert "<svg" not in html


@pytest.mark.parametrize(
    ("language", "summary"),
    [("en", "1 check follows once this is set right"), ("zh-hans", "另有 1 项，解决以上问题后检查")],
)
def test_what_was_not_examined_is_folded_away(language: str, summary: str) -> None:
    cause = Text("未检查", "Not examined")
    found = Finding(Check.BOT, CheckResult.UNKNOWN, cause, AFTER_ANOTHER)
    row = ChecklistRow(CheckState(found, NOW, NOW), ITEMS[Check.BOT], "")
    with override(language):
        html = drawn(Checklist(Bot(name="Helper"), [row], NOW))
    assert f"<summary>{summary}</summary>" in html
    assert "portal-checklist-green" not in html
