"""“Switch brand”: offered where the platform's answers point that way, done only where the other brand is right."""

import httpx2
import pytest
import respx
from django.test import Client

from bots.connections.slots import WantedSlot, seen_slots
from bots.models import Bot, ConnectionSlot
from core.access.models import AuditEntry, User
from tests.console.rows import Rows, make_rows, messages_of, page_of, signed_in, text_of

TOKEN = "/open-apis/auth/v3/tenant_access_token/internal"
LARK_TOKEN = "https://open.larksuite.com" + TOKEN
SECRET = {"app_secret": "the-app-secret"}
WRONG_BRAND = 1000040351
WRONG_CREDENTIALS = 1000040345


@pytest.fixture
def feishu(owner: User) -> Rows:
    rows = make_rows(platform="feishu", open_url="", accounts_url="", proxy_url="")
    rows.bot.owners.add(owner)
    return rows


def refused_with(rows: Rows, code: int) -> None:
    ConnectionSlot.objects.filter(bot=rows.bot).update(error_code=code, error_message="")


def wanted_of(bot: Bot) -> list[WantedSlot]:
    return [slot.wanted for slot in seen_slots() if slot.wanted.bot_id == bot.pk]


def is_offered(rows: Rows, client: Client) -> bool:
    return page_of("bots_bot", rows.bot, "switch_brand") in text_of(client.get(page_of("bots_bot", rows.bot)))


@pytest.mark.parametrize("code", [WRONG_BRAND, WRONG_CREDENTIALS, 1000040346])
def test_offered_where_the_answer_may_come_from_the_wrong_brand(
    feishu: Rows, as_owner: Client, code: int
) -> None:
    refused_with(feishu, code)
    assert is_offered(feishu, as_owner)


@pytest.mark.parametrize("code", [403, 1000040350, None])
def test_not_offered_for_anything_else(feishu: Rows, as_owner: Client, code: int | None) -> None:
    refused_with(feishu, code)
    assert not is_offered(feishu, as_owner)


def test_not_offered_and_not_there_for_addresses_of_its_own(rows: Rows, as_owner: Client) -> None:
    refused_with(rows, WRONG_BRAND)
    assert not is_offered(rows, as_owner)
    assert as_owner.post(page_of("bots_bot", rows.bot, "switch_brand")).status_code == 404


@pytest.mark.parametrize(
    ("language", "words"), [("en", "this app belongs to Lark"), ("zh-hans", "该应用属于Lark")]
)
def test_page_says_what_is_wrong_and_what_to_do(feishu: Rows, owner: User, language: str, words: str) -> None:
    refused_with(feishu, WRONG_BRAND)
    assert words in text_of(signed_in(owner, language).get(page_of("bots_bot", feishu.bot)))


def test_told_by_the_platform_it_takes_the_secret_and_asks_nobody(feishu: Rows, as_owner: Client) -> None:
    refused_with(feishu, WRONG_BRAND)
    before = wanted_of(feishu.bot)
    page = page_of("bots_bot", feishu.bot, "switch_brand")
    with respx.mock(assert_all_called=False):  # any request would fail
        assert "Switch to Lark" in text_of(as_owner.get(page))
        assert "required" in text_of(as_owner.post(page))
        assert Bot.objects.get(pk=feishu.bot.pk).platform == "feishu"
        as_owner.post(page, SECRET)
    assert Bot.objects.get(pk=feishu.bot.pk).platform == "lark"
    assert wanted_of(feishu.bot) != before  # the fleet replaces the connection, without a restart
    entry = AuditEntry.objects.get(action="bot.brand_switched")
    assert entry.detail == {
        "changed": ["app_secret", "platform"],
        "before": {"platform": "feishu"},
        "after": {"platform": "lark"},
    }
    assert Bot.objects.get(pk=feishu.bot.pk).app_secret == "the-app-secret"


def test_where_nobody_said_so_the_other_brand_is_asked_once(feishu: Rows, as_owner: Client) -> None:
    refused_with(feishu, WRONG_CREDENTIALS)
    page = page_of("bots_bot", feishu.bot, "switch_brand")
    with respx.mock() as router:
        known = {"code": 0, "tenant_access_token": "t-1", "expire": 7200}
        asked = router.post(LARK_TOKEN).respond(json=known)
        assert "has to authorize it again" in text_of(as_owner.get(page))
        assert not asked.called  # nothing is sent to another company before the secret is given
        as_owner.post(page, SECRET)
        assert asked.call_count == 1
    assert Bot.objects.get(pk=feishu.bot.pk).platform == "lark"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            httpx2.Response(200, json={"code": 10003, "msg": "invalid param"}),
            "does not accept these credentials",
        ),
        (httpx2.ConnectError("refused"), "could not be asked: The platform cannot be reached"),
    ],
)
def test_a_brand_that_does_not_know_the_app_is_not_switched_to(
    feishu: Rows, as_owner: Client, answer: httpx2.Response | Exception, words: str
) -> None:
    refused_with(feishu, WRONG_CREDENTIALS)
    with respx.mock() as router:
        router.post(LARK_TOKEN).mock(side_effect=[answer])
        response = as_owner.post(page_of("bots_bot", feishu.bot, "switch_brand"), SECRET, follow=True)
    assert any(words in message for message in messages_of(response))
    assert Bot.objects.get(pk=feishu.bot.pk).platform == "feishu"
