import io
from collections.abc import Iterator

import pytest
import respx
from django.core.management import CommandError, call_command

from bots.doctor.findings import Check, Finding
from bots.enums import CheckResult
from bots.models import Bot
from feishu.text import Text
from tests.factories import PLATFORM, make_bot

pytestmark = pytest.mark.django_db

SECRET = "s3cr3t-of-the-app"
FINDINGS = [
    Finding(Check.APP_SECRET, CheckResult.OK, Text("可以解密", "It opens")),
    Finding(
        Check.PUBLIC_URL, CheckResult.WARNING, Text("未加密", "Plain http"), Text("用 https", "Use https")
    ),
    Finding(
        Check.REFRESH, CheckResult.UNKNOWN, Text("不知道", "Nobody knows"), Text("去看看", "Go and look")
    ),
]
WRONG = Finding(
    Check.CREDENTIALS, CheckResult.WRONG, Text("不对", "No good"), Text("改正", "Correct it"), 10015, "log-1"
)


@pytest.fixture
def bot() -> Bot:
    return make_bot(app_secret=SECRET)


@pytest.fixture
def found(monkeypatch) -> list[Finding]:
    """What the doctor will say; the examination itself has tests of its own."""
    findings = [*FINDINGS]
    monkeypatch.setattr(
        "feishu_portal.management.commands.checkbot.examination",
        lambda _bot, **_: iter(findings),
    )
    return findings


@pytest.fixture
def refusing_platform() -> Iterator[None]:
    with respx.mock(base_url=PLATFORM) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 10015, "msg": f"wrong secret {SECRET}"}
        )
        router.post("/callback/ws/endpoint").respond(json={"code": 424242, "msg": SECRET, "data": {}})
        yield


def checkbot(*arguments: str) -> str:
    out = io.StringIO()
    call_command("checkbot", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_each_finding_is_printed_with_mark_cause_and_cure(bot, found):
    assert checkbot(bot.app_id, "--lang", "en").splitlines() == [
        "✓ Stored App Secret: It opens",
        "! Address of the portal: PUBLIC_URL: Plain http",
        "    What to do: Use https",
        "? Switch “Refresh user_access_token”: Nobody knows",
        "    What to do: Go and look",
    ]


def test_findings_are_in_chinese_where_the_terminal_is(bot, found, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert checkbot(bot.app_id).splitlines()[1:3] == [
        "! 门户地址 PUBLIC_URL: 未加密",
        "    处理: 用 https",
    ]
    assert checkbot(bot.app_id) == checkbot(bot.app_id, "--lang", "zh")


def test_anything_wrong_fails_the_command_after_everything_is_printed(bot, found):
    found.insert(0, WRONG)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 wrong") as caught:
        call_command("checkbot", bot.app_id, "--lang", "en", stdout=out, no_color=True)
    assert caught.value.returncode == 1
    lines = out.getvalue().splitlines()
    assert lines[0] == "✗ Credentials and platform: No good (platform code 10015, log id log-1)"
    assert lines[-1] == "    What to do: Go and look"


def test_bot_that_does_not_exist_says_how_to_add_it():
    with pytest.raises(CommandError, match=r"cli_unknown.*addbot"):
        checkbot("cli_unknown")


def test_no_secret_is_printed_even_if_the_platform_echoes_it(bot, refusing_platform):
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("checkbot", bot.app_id, stdout=out)
    assert "10015" in out.getvalue()
    assert "424242" in out.getvalue()
    assert SECRET not in out.getvalue() + str(caught.value)
