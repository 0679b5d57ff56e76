"""Where a bot's secrets may be sent: whoever changes it gives the App Secret, and chooses among hosts that are allowed."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from bots.destinations import is_listed
from bots.models import Bot
from bots.service import BotChanges, put_bot, save_bot
from core.access.actors import SYSTEM, Actor
from core.access.models import AuditEntry, User
from core.vault.keyring import SealedValueError
from tests.bots.admin.test_bots import form_of, new_bot
from tests.console.operators import *  # noqa: F403 -- fixtures
from tests.console.rows import Rows, page_of, signed_in, text_of
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db

ELSEWHERE = "https://elsewhere.test/feishu"
PROXY = "http://ops:hush@proxy.test:3128"
CHANGES: dict[str, dict[str, Any]] = {
    "platform": {"platform": "lark"},
    "open_url": {"open_url": ELSEWHERE},
    "accounts_url": {"accounts_url": ELSEWHERE},
    "browser_url": {"browser_url": ELSEWHERE},
    "token_endpoint": {"token_endpoint": "v2"},
    "proxy_url": {"proxy_url": PROXY},
    "proxy_url removed": {"proxy_url-remove": "1"},
}
each_destination = pytest.mark.parametrize("values", CHANGES.values(), ids=CHANGES.keys())


def stored(bot: Bot) -> Bot:
    return Bot.objects.get(pk=bot.pk)


def facts(bot: Bot) -> list[str]:
    bot = stored(bot)
    return [bot.platform, bot.open_url, bot.accounts_url, bot.browser_url, bot.token_endpoint, bot.proxy_url]


@pytest.fixture
def allowed(settings: Any) -> None:
    settings.PLATFORM_HOSTS = ["elsewhere.test"]


@each_destination
def test_form_without_the_secret_is_refused(
    rows: Rows, as_owner: Client, as_superuser: Client, allowed: None, values: dict[str, Any]
) -> None:
    before = facts(rows.bot)
    for client in (as_owner, as_superuser):
        answer = client.post(page_of("bots_bot", rows.bot), form_of(rows.bot, **values))
        assert answer.status_code == 200
        assert answer.context["adminform"].form.errors["app_secret"]
    assert facts(rows.bot) == before


@each_destination
def test_form_with_the_secret_is_saved_and_the_secret_opens(
    rows: Rows, as_owner: Client, allowed: None, values: dict[str, Any]
) -> None:
    before = facts(rows.bot)
    page = page_of("bots_bot", rows.bot)
    assert as_owner.post(page, form_of(rows.bot, app_secret="given again", **values)).status_code == 302
    assert facts(rows.bot) != before
    assert stored(rows.bot).app_secret == "given again"


@each_destination
def test_stranger_changes_nothing(rows: Rows, as_stranger: Client, values: dict[str, Any]) -> None:
    before = facts(rows.bot)
    page = page_of("bots_bot", rows.bot)
    as_stranger.post(page, form_of(rows.bot, app_secret="given again", **values))
    assert facts(rows.bot) == before
    assert stored(rows.bot).app_secret == "the-app-secret"


@pytest.mark.parametrize(
    "name", ["platform", "open_url", "accounts_url", "browser_url", "token_endpoint", "proxy_url"]
)
def test_service_wants_the_secret_whoever_asks(rows: Rows, name: str) -> None:
    before = facts(rows.bot)
    with pytest.raises(ValidationError) as caught:
        put_bot(app_id=rows.bot.app_id, changes=BotChanges(CHANGES[name]), actor=SYSTEM)
    assert "app_secret" in caught.value.message_dict
    changed = stored(rows.bot)
    setattr(changed, name, CHANGES[name][name])
    with pytest.raises(ValidationError):
        save_bot(changed, changed=[name], actor=SYSTEM)
    assert facts(rows.bot) == before


def test_same_secret_may_be_given_before_or_after_the_address(rows: Rows) -> None:
    for values in (
        {"app_secret": "the-app-secret", "open_url": ELSEWHERE},
        {"open_url": "https://third.test", "app_secret": "the-app-secret"},
    ):
        put_bot(app_id=rows.bot.app_id, changes=BotChanges(values), actor=SYSTEM)
        assert stored(rows.bot).credentials.app_secret == "the-app-secret"


def test_command_wants_the_secret(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FEISHU_APP_SECRET", raising=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "")
    with pytest.raises(CommandError, match="App Secret"):
        call_command("addbot", "Helper", app_id=rows.bot.app_id, browser_url=ELSEWHERE)
    monkeypatch.setenv("FEISHU_APP_SECRET", "given again")
    call_command("addbot", "Helper", app_id=rows.bot.app_id, browser_url=ELSEWHERE)
    assert stored(rows.bot).addresses.authorize_url == f"{ELSEWHERE}/open-apis/authen/v1/authorize"


@pytest.mark.parametrize("name", ["open_url", "accounts_url", "browser_url"])
def test_hosts_are_for_superusers_or_in_the_setting(
    rows: Rows, as_owner: Client, as_superuser: Client, settings: Any, name: str
) -> None:
    form = form_of(rows.bot, app_secret="given again", **{name: ELSEWHERE})
    page = page_of("bots_bot", rows.bot)
    assert as_owner.post(page, form).context["adminform"].form.errors[name]
    assert getattr(stored(rows.bot), name) != ELSEWHERE
    settings.PLATFORM_HOSTS = ["*.elsewhere.test", "elsewhere.test:8443"]
    assert as_owner.post(page, form).status_code == 200
    settings.PLATFORM_HOSTS = []
    owners = list(rows.bot.owners.values_list("pk", flat=True))
    assert as_superuser.post(page, form | {"owners": owners}).status_code == 302
    # Who may not choose a host may still edit the rest of such a bot.
    form = form_of(stored(rows.bot), name="Renamed")
    assert as_owner.post(page, form).status_code == 302


def test_new_bot_at_a_host_of_its_own(db: None, settings: Any) -> None:
    client = signed_in(make_operator())
    form = new_bot(platform="custom", open_url=ELSEWHERE, accounts_url=ELSEWHERE)
    answer = client.post(reverse("admin:bots_bot_add"), form)
    assert answer.context["adminform"].form.errors.keys() == {"open_url", "accounts_url"}
    settings.PLATFORM_HOSTS = ["elsewhere.test"]
    assert client.post(reverse("admin:bots_bot_add"), form).status_code == 302


@pytest.mark.parametrize("kind", ["api", "user", "platform"])
def test_what_is_neither_superuser_nor_shell_chooses_no_host(rows: Rows, kind: str) -> None:
    changes = BotChanges({"open_url": ELSEWHERE, "app_secret": "given again"})
    with pytest.raises(ValidationError) as caught:
        put_bot(app_id=rows.bot.app_id, changes=changes, actor=Actor(kind, "somebody", 1))
    assert "open_url" in caught.value.message_dict


@pytest.mark.parametrize(
    ("entry", "address", "listed"),
    [
        ("open.corp.test", "https://open.corp.test", True),
        ("open.corp.test", "https://OPEN.corp.test./x", True),
        ("open.corp.test", "https://evil.open.corp.test", False),
        ("open.corp.test", "https://open.corp.test.evil.test", False),
        ("*.corp.test", "https://open.corp.test:8443", True),
        ("*.corp.test", "https://corp.test", False),
        ("*.corp.test", "https://evilcorp.test", False),
        ("open.corp.test:8443", "https://open.corp.test:8443", True),
        ("open.corp.test:8443", "https://open.corp.test", False),
        ("[fd00::1]:80", "http://[fd00::1]", True),
        ("10.1.2.3", "http://10.1.2.3:9800", True),
    ],
)
def test_entries_of_the_setting(settings: Any, entry: str, address: str, *, listed: bool) -> None:
    settings.PLATFORM_HOSTS = [entry]
    assert is_listed(address) is listed


def test_audit_log_says_the_old_and_the_new_host_and_no_password(rows: Rows) -> None:
    values = {"open_url": ELSEWHERE, "proxy_url": PROXY, "app_secret": "given again"}
    put_bot(app_id=rows.bot.app_id, changes=BotChanges(values), actor=SYSTEM)
    entry = AuditEntry.objects.get(action="bot.updated")
    assert entry.detail["before"] == {"open_url": "http://platform.test", "proxy_url": "http://127.0.0.1:9"}
    assert entry.detail["after"] == {"open_url": ELSEWHERE, "proxy_url": "http://proxy.test:3128"}
    assert "hush" not in str(entry.detail)


@pytest.mark.parametrize(
    "values",
    [{"platform": "lark"}, {"open_url": ELSEWHERE}, {"accounts_url": ELSEWHERE}],
    ids=lambda values: next(iter(values)),
)
def test_ciphertext_does_not_open_for_another_destination(values: dict[str, str]) -> None:
    bot = make_bot()
    Bot.objects.filter(pk=bot.pk).update(**values)  # past every check, as in the database itself
    with pytest.raises(SealedValueError, match="another destination"):
        _ = stored(bot).credentials


@pytest.mark.parametrize(
    "addresses", [{}, {"open_url": "HTTP://open.test", "accounts_url": "https://accounts.test"}]
)
def test_proxy_that_reads_along_is_part_of_the_destination_and_one_that_does_not_is_not(
    addresses: dict[str, str],
) -> None:
    readable = make_bot(proxy_url=PROXY, **addresses)
    Bot.objects.filter(pk=readable.pk).update(proxy_url="")
    with pytest.raises(SealedValueError, match="another destination"):
        _ = stored(readable).app_secret
    tunnelled = make_bot(open_url="https://open.test", accounts_url="https://accounts.test", proxy_url=PROXY)
    Bot.objects.filter(pk=tunnelled.pk).update(proxy_url="", token_endpoint="v2")
    assert stored(tunnelled).app_secret


def test_leftover_addresses_of_a_brand_count_for_nothing(settings: Any) -> None:
    bot = make_bot(platform="feishu", open_url="", accounts_url="")
    put_bot(
        app_id=bot.app_id,
        changes=BotChanges({"open_url": ELSEWHERE, "accounts_url": ELSEWHERE}),
        actor=SYSTEM,
    )
    assert stored(bot).app_secret
    with pytest.raises(ValidationError):
        put_bot(app_id=bot.app_id, changes=BotChanges({"platform": "custom"}), actor=SYSTEM)


@pytest.mark.parametrize(
    ("language", "words"), [("en", "needs the App Secret again"), ("zh-hans", "须重新填写 App Secret")]
)
def test_page_says_before_saving_what_a_change_costs(
    rows: Rows, owner: User, language: str, words: str
) -> None:
    assert words in text_of(signed_in(owner, language).get(page_of("bots_bot", rows.bot)))
