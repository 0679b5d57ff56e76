"""The pages with a QR code, against the sandbox and against a platform that a test plays."""

import html
import re
from collections.abc import Iterator

import httpx2
import pytest
from django.test import Client
from django.urls import reverse

from bots.enums import GroupPolicy
from bots.models import Bot, Registration, default_scopes
from bots.registration import flow
from core.access.models import User
from core.access.roles import Role
from sandbox.config import AppConfig, SandboxConfig
from tests.bots.admin.test_bots import new_bot
from tests.bots.registering import APP, APP_ID, SECRET, Platforms, make_due
from tests.console.rows import Rows, messages_of, page_of, signed_in, text_of
from tests.factories import make_bot, make_operator
from tests.services.platform import SandboxClient
from tests.services.ports import free_port
from tests.services.sandboxes import running_sandbox

ADD, REGISTER = "/admin/bots/bot/add/", "/admin/bots/bot/register/"
FETCHED = {"X-Requested-With": "fetch"}


@pytest.fixture
def sandbox(settings) -> Iterator[SandboxClient]:
    app = AppConfig(app_id="cli_00000000000000aa", app_secret="its-secret-in-the-sandbox", events=[])
    port = free_port()
    with running_sandbox(port, SandboxConfig(apps=[app])) as client:
        settings.REGISTRATION_ADDRESSES = [client.url, client.url]
        settings.PLATFORM_NETWORKS = ["loopback"]
        yield client


@pytest.fixture
def console(operator: User) -> Client:
    return signed_in(operator)


def ask(client: Client, url: str = REGISTER, **values: str) -> str:
    """What the script of the page gets."""
    answer = client.post(url, values, headers=FETCHED)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return text_of(answer)


def address_in(panel: str) -> str:
    return html.unescape(re.search(r'href="(http[^"]+)" target="_blank"', panel)[1])


def polled(client: Client, url: str = REGISTER) -> str:
    make_due(Registration.objects.latest("began_at"))
    return ask(client, url)


# --- against the sandbox


def test_operator_scans_confirms_and_has_a_bot(
    console: Client, operator: User, sandbox: SandboxClient
) -> None:
    assert "data-auto" in text_of(console.get(ADD))
    panel = ask(console, begin="first")
    assert '<svg viewBox="0 0 ' in panel
    app_id = sandbox.register(address_in(panel))
    done = polled(console)
    bot = Bot.objects.get(app_id=app_id)
    assert f'data-next="{page_of("bots_bot", bot)}"' in done
    assert (bot.platform, bot.open_url, bot.name) == ("custom", sandbox.url, "李雷的应用")
    assert list(bot.owners.all()) == [operator]
    app = sandbox.app(app_id)
    assert {"im:message:send_as_bot", *default_scopes()} <= set(app["scopes"])
    assert bot.app_secret not in done
    assert (
        messages_of(console.get(page_of("bots_bot", bot)))[0]
        == "李雷的应用 was added and is being connected."
    )


def test_app_of_a_bot_is_given_more(sandbox: SandboxClient, operator: User, console: Client) -> None:
    bot = make_bot(
        open_url=sandbox.url,
        accounts_url=sandbox.url,
        auth_scopes=["offline_access", "wiki:wiki:readonly"],
        group_policy=GroupPolicy.EVERY_MESSAGE,
    )
    Bot.objects.filter(pk=bot.pk).update(app_id="cli_00000000000000aa")
    bot.owners.add(operator)
    page = page_of("bots_bot", bot, "extend")
    shown = text_of(console.get(page))
    assert "wiki:wiki:readonly" in shown
    assert "Read all messages of its groups" in shown
    panel = ask(console, page, begin="first")
    assert sandbox.register(address_in(panel)) == "cli_00000000000000aa"
    assert f'data-next="{page_of("bots_bot", bot)}"' in polled(console, page)
    app = sandbox.app("cli_00000000000000aa")
    assert {"wiki:wiki:readonly", "im:message.group_msg"} <= set(app["scopes"])
    assert "im.message.receive_v1" in app["events"]
    assert Bot.objects.get().app_secret == "its-secret-in-the-sandbox"


def test_person_who_says_no_is_told_of(console: Client, sandbox: SandboxClient) -> None:
    sandbox.register(address_in(ask(console, begin="first")), decision="deny")
    panel = polled(console)
    assert "was denied in Feishu" in panel
    assert 'value="again"' in panel
    assert "<svg" in ask(console, begin="again")


# --- what the page says


def test_page_shows_the_code_that_waits_however_often_it_is_opened(
    console: Client, platforms: Platforms
) -> None:
    first = address_in(ask(console, begin="first"))
    for _ in range(3):
        assert address_in(text_of(console.get(ADD))) == first
        assert address_in(ask(console)) == first
    assert len(platforms.begun) == 1
    assert not platforms.polls
    assert address_in(ask(console, begin="again")) != first


def test_neither_device_code_nor_secret_is_in_any_answer(console: Client, platforms: Platforms) -> None:
    shown = ask(console, begin="first") + text_of(console.get(ADD))
    platforms.answers = [APP]
    shown += polled(console) + text_of(console.get(page_of("bots_bot", Bot.objects.get())))
    assert "the-device-code" not in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "access_denied"}, "The registration was denied in Feishu."),
        ({"error": "expired_token"}, "the QR code has expired"),
        ({"error": "invalid_grant"}, "The platform refused: invalid_grant."),
        (APP | {"client_id": "odd"}, "has registered the app odd, but it could not be stored here"),
        (httpx2.ConnectError("no route"), "The platform does not answer at the moment"),
    ],
)
def test_each_ending_has_its_sentence(
    console: Client, platforms: Platforms, answer: object, words: str
) -> None:
    ask(console, begin="first")
    platforms.answers = [answer]
    assert words in html.unescape(polled(console))


def test_sentences_are_there_in_chinese(console: Client, platforms: Platforms) -> None:
    ask(console, begin="first")
    platforms.answers = [{"error": "access_denied"}]
    make_due(Registration.objects.get())
    answer = console.post(REGISTER, headers=FETCHED | {"accept-language": "zh-hans"})
    assert "已在飞书中拒绝" in text_of(answer)


def test_app_that_is_a_bot_of_others_is_refused(console: Client, platforms: Platforms) -> None:
    bot = make_bot(platform="feishu", open_url="", accounts_url="", app_secret="theirs")
    Bot.objects.filter(pk=bot.pk).update(app_id=APP_ID, name="Zulu")
    ask(console, begin="first")
    platforms.answers = [APP]
    panel = polled(console)
    assert "you are not one of its owners" in panel
    assert "Zulu" not in panel
    assert Bot.objects.get().app_secret == "theirs"


def test_app_that_is_a_bot_of_one_s_own_gets_its_new_secret(
    console: Client, operator: User, platforms: Platforms
) -> None:
    bot = make_bot(platform="feishu", open_url="", accounts_url="")
    Bot.objects.filter(pk=bot.pk).update(app_id=APP_ID)
    bot.owners.add(operator)
    ask(console, begin="first")
    platforms.answers = [APP]
    assert "data-next" in polled(console)
    assert Bot.objects.get().app_secret == SECRET
    assert "its App Secret was renewed" in messages_of(console.get(page_of("bots_bot", bot)))[0]


def test_platform_that_is_away_is_a_sentence_and_a_button(console: Client, settings) -> None:
    port = free_port()
    settings.REGISTRATION_ADDRESSES = [f"http://127.0.0.1:{port}"] * 2
    settings.PLATFORM_NETWORKS = ["loopback"]
    panel = ask(console, begin="first")
    assert "There is no QR code now" in panel
    assert 'value="again"' in panel


def test_too_many_codes_are_a_sentence(console: Client, platforms: Platforms, monkeypatch) -> None:
    monkeypatch.setattr(flow, "MAX_SHOWN", 0)
    assert "Too many QR codes" in ask(console, begin="first")


def test_browser_without_scripts_is_led_on(console: Client, platforms: Platforms) -> None:
    assert console.post(REGISTER, {"begin": "first"}).headers["Location"] == ADD
    assert "<svg" in text_of(console.get(ADD))
    platforms.answers = [{"error": "access_denied"}]
    make_due(Registration.objects.get())
    assert console.post(REGISTER).headers["Location"] == ADD
    assert messages_of(console.get(ADD))[0].startswith("The registration was denied")
    console.post(REGISTER, {"begin": "first"})
    platforms.answers = [APP]
    make_due(Registration.objects.latest("began_at"))
    location = console.post(REGISTER).headers["Location"]
    assert location == page_of("bots_bot", Bot.objects.get())


# --- by hand


def test_form_for_an_app_that_exists_is_one_click_away(console: Client) -> None:
    by_hand = re.search(r'href="([^"]+)" data-testid="by-hand"', text_of(console.get(ADD)))[1]
    page = console.get(by_hand)
    form = page.context["adminform"].form
    assert form["auth_scopes"].value() == "\n".join(default_scopes())
    assert 'name="app_secret"' in text_of(page)


def test_bot_that_was_added_by_hand_is_shown(console: Client, platforms: Platforms) -> None:
    answer = console.post(ADD, new_bot())
    assert answer.headers["Location"] == page_of("bots_bot", Bot.objects.get())


def test_code_whose_key_is_lost_gives_way_to_a_new_one(
    console: Client, platforms: Platforms, settings
) -> None:
    ask(console, begin="first")
    settings.ENCRYPTION_KEYS = ["cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="]
    panel = text_of(console.get(ADD))
    assert "can no longer be opened" in panel
    assert 'value="again"' in panel
    assert "<svg" in ask(console, begin="again")


# --- strangers


def test_other_operator_neither_sees_nor_ends_nor_gets_the_code(
    console: Client, operator: User, platforms: Platforms
) -> None:
    first = address_in(ask(console, begin="first"))
    other = make_operator()
    stranger = signed_in(other)
    assert "<svg" not in text_of(stranger.get(ADD))
    platforms.answers = [APP]
    assert "<svg" not in polled(stranger)
    assert not platforms.polls
    assert address_in(ask(stranger, begin="first")) != first
    assert address_in(text_of(console.get(ADD))) == first


def test_operator_who_may_not_add_bots_gets_no_code(db: None, platforms: Platforms) -> None:
    viewer = signed_in(make_operator(role=Role.VIEWER))
    assert viewer.get(ADD).status_code == 403
    assert viewer.post(REGISTER, {"begin": "first"}, headers=FETCHED).status_code == 403
    assert not platforms.begun


def test_bot_of_others_is_not_there(rows: Rows, as_stranger: Client, platforms: Platforms) -> None:
    page = page_of("bots_bot", rows.bot, "extend")
    assert as_stranger.get(page).status_code == 404
    assert as_stranger.post(page, {"begin": "first"}, headers=FETCHED).status_code == 404
    assert not platforms.begun


def test_nobody_is_led_to_the_sign_in(platforms: Platforms, db) -> None:
    for url in (ADD, REGISTER):
        answer = Client().post(url, {"begin": "first"})
        assert answer.headers["Location"].startswith(reverse("admin:login"))
    assert not platforms.begun


def test_asking_by_a_link_begins_nothing(console: Client, platforms: Platforms) -> None:
    assert console.get(REGISTER, {"begin": "first"}).status_code == 405
    assert not platforms.begun
