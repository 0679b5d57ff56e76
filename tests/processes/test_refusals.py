"""What the platform refuses, seen from the console: what is wrong, what to do, sparing retries, and no end to them."""

import itertools
from collections.abc import Callable

import pytest

from tests.services.platform import APP_ID, APP_SECRET

# Which database it is makes no difference to these.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

STATE = "SELECT state FROM bots_connectionslot"
CODE = "SELECT error_code FROM bots_connectionslot"
LIMIT, WRONG_BRAND, WRONG_CREDENTIALS, FORBIDDEN = 1000040350, 1000040351, 1000040345, 403
RETRY = 2

LOOK = """
from django.test import Client
from bots.models import Bot
from core.access.models import User
user, _ = User.objects.get_or_create(username="looker", role="administrator")
pages = ["/admin/bots/bot/", f"/admin/bots/bot/{Bot.objects.get().pk}/change/", "/admin/bots/connectionslot/"]
for language in ("en", "zh-hans"):
    client = Client(headers={"accept-language": language, "host": "portal.test"})
    client.force_login(user)
    for page in pages:
        print(f"=== {language}", client.get(page).content.decode())
"""


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"FEISHU_RETRY_SECONDS": str(RETRY)}


@pytest.fixture
def pages(managed_process, environment) -> Callable[[], dict[str, list[str]]]:
    """The list of bots, the bot, the list of connections: as an operator reads them, by language."""

    def look() -> dict[str, list[str]]:
        process = managed_process("manage.py", "shell", "-v", "0", "-c", LOOK, environment=environment)
        assert process.wait_for_exit() == 0, process.output
        found: dict[str, list[str]] = {"en": [], "zh-hans": []}
        for part in process.output.split("=== ")[1:]:
            language, _, page = part.partition(" ")
            found[language].append(page)
        return found

    return look


def discoveries(sandbox) -> int:
    """How often the address was asked for so far."""
    answer = sandbox._http.get("/calls", params={"app_id": APP_ID, "limit": 500})
    return sum(call["path"] == "/callback/ws/endpoint" for call in answer.json()["calls"])


CASES = {
    "wrong secret": (
        {"app": {"app_secret": "reset-in-the-developer-console"}},
        {"app": {"app_secret": APP_SECRET}},
        WRONG_CREDENTIALS,
        ("wrong App ID or App Secret", "Credentials &amp; Basic Info"),
        ("App ID 或 App Secret 不正确", "凭证与基础信息"),
    ),
    "wrong brand": (
        {"faults": {"discovery": {"code": WRONG_BRAND}}},
        {"faults": {}},
        WRONG_BRAND,
        ("does not belong to the app", "larksuite.com for a Lark app"),
        ("域名与应用所属品牌不符", "Lark 应用用 larksuite.com"),
    ),
    "limit": (
        {"faults": {"handshake": {"status": 514, "autherrcode": LIMIT}}},
        {"faults": {}},
        LIMIT,
        ("reached its number of long connections", "Stop other programs"),
        ("长连接数量已达上限", "关闭其他使用同一应用的程序"),
    ),
    "disabled": (
        {"app": {"enabled": False}},
        {"app": {"enabled": True}},
        FORBIDDEN,
        ("forbids this app a long connection", "enabled and published"),
        ("平台禁止该应用建立长连接", "已启用并发布"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_refusal_is_explained_retried_sparingly_and_overcome_once_its_cause_is_gone(
    case, sandbox, bot, runfeishu, rows, pages
):
    broken, mended, code, english, chinese = CASES[case]
    sandbox.put_app(client_config={"ReconnectInterval": 1})
    arrange(sandbox, broken)
    process = runfeishu()
    process.wait_until(lambda: rows.one(CODE) == (code,), what="the code")
    if code != LIMIT:
        process.wait_until(lambda: rows.one(STATE) == ("error",), what="the error state")
    before = discoveries(sandbox)
    shown = pages()  # takes longer than an attempt
    process.wait_until(lambda: discoveries(sandbox) >= before + 2, what="further attempts")
    assert_sparing(sandbox)
    for words, language in ((english, "en"), (chinese, "zh-hans")):
        for page in shown[language]:
            assert [word for word in words if word not in page] == []
    arrange(sandbox, mended)
    process.wait_until(lambda: sandbox.connections() == 1, what="the connection")
    process.wait_until(lambda: rows.one(CODE) == (None,), what="no error any more")


def arrange(sandbox, what) -> None:
    if "app" in what:
        sandbox.put_app(**what["app"])
    else:
        sandbox.faults(**what["faults"])


def assert_sparing(sandbox) -> None:
    """Attempts are as far apart as they should be, but for the quick ones of the first seconds."""
    answer = sandbox._http.get("/calls", params={"app_id": APP_ID, "limit": 500})
    times = sorted(
        call["at"] / 1000 for call in answer.json()["calls"] if call["path"] == "/callback/ws/endpoint"
    )
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) >= 0.9 * RETRY, gaps
