"""The pages in a browser: what a person sees and does."""

import asyncio
import base64
import json
import os
import shlex
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from sandbox.config import SandboxConfig
from tests.sandbox.cards import button, card
from tests.sandbox.conftest import OTHER_APP_ID, REDIRECT, Line, Platform
from tests.services import chromium as chromium_program
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.browser

TEXT = {"tag": "plain_text", "content": "Go", "i18n_content": {"zh_cn": "去授权", "en_us": "Authorize"}}


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def platform(served: Platform) -> Platform:
    return served


@pytest.fixture
async def page(platform: Platform) -> AsyncIterator[Page]:
    program = chromium_program.find()
    if program is None:
        (pytest.fail if chromium_program.is_required() else pytest.skip)(chromium_program.MISSING)
    errors: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            args=list(chromium_program.ARGUMENTS),
            env={**os.environ, "NO_PROXY": "*"},
        )
        opened = await browser.new_page(base_url=platform.url, locale="zh-CN")
        opened.set_default_timeout(chromium_program.PATIENCE)
        expect.set_options(timeout=chromium_program.PATIENCE)
        opened.on("pageerror", lambda error: errors.append(str(error)))
        yield opened
        await browser.close()
    assert errors == []


async def open_client(page: Page) -> None:
    await page.goto("/")
    await page.wait_for_selector("body[data-ready]")


async def send(platform: Platform, *elements: dict[str, Any], **more: Any) -> str:
    whole = {**card(*elements), **more}
    answer = await platform.send(json.dumps(whole), msg_type="interactive")
    return answer.json()["data"]["message_id"]


async def types_of(platform: Platform) -> list[str]:
    return [event["event_type"] for event in (await platform.books())["events"]]


def clicks(line: Line) -> list[Any]:
    return [
        event["event"]
        for event in line.events()
        if event.get("header", {}).get("event_type") == "card.action.trigger"
    ]


async def test_person_writes_and_sees_the_answer_without_reloading(platform: Platform, page: Page) -> None:
    await open_client(page)
    await page.get_by_test_id("composer").fill("hello <b>bot</b>")
    await page.get_by_test_id("composer").press("Enter")
    await expect(page.get_by_test_id("message")).to_contain_text("hello")
    assert (await types_of(platform))[-1] == "im.message.receive_v1"
    await platform.send('{"text": "welcome"}')
    await expect(page.get_by_test_id("message").last).to_contain_text("welcome")
    await page.get_by_test_id("composer").fill("again")
    await page.get_by_test_id("send").click()
    await expect(page.get_by_test_id("message")).to_have_count(3)
    await expect(page.get_by_test_id("call").first).to_be_visible()


async def test_message_that_comes_while_the_chat_is_loaded_stays(platform: Platform, page: Page) -> None:
    """The answer to what is loaded was written before the message, and arrives after it."""
    await open_client(page)
    await platform.send('{"text": "before"}')
    await expect(page.get_by_test_id("message")).to_have_count(1)
    asked, may_arrive = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        asked.set()
        await may_arrive.wait()
        await route.fulfill(response=answer)

    await page.route("**/sandbox/api/messages?*", hold)
    await page.get_by_test_id(f"bot-{platform.app_id}").click()
    await asyncio.wait_for(asked.wait(), PATIENCE)
    await platform.send('{"text": "meanwhile"}')
    await expect(page.get_by_test_id("message")).to_have_count(2)
    may_arrive.set()
    await expect(page.get_by_test_id("composer")).to_be_focused()  # by then what was loaded is drawn
    await expect(page.get_by_test_id("message")).to_have_count(2)
    await expect(page.get_by_test_id("message").last).to_contain_text("meanwhile")


async def test_every_person_has_their_own_chats(platform: Platform, page: Page) -> None:
    await platform.send('{"text": "for li lei"}')
    await open_client(page)
    await expect(page.get_by_test_id("message")).to_have_count(1)
    await page.get_by_test_id("person-wangfang").click()
    await expect(page.get_by_test_id("message")).to_have_count(0)
    await expect(page.get_by_test_id("person-wangfang")).to_have_attribute("aria-pressed", "true")
    cookies = {cookie["name"]: cookie["value"] for cookie in await page.context.cookies()}
    assert cookies["sandbox_person"] == "wangfang"


async def test_opening_a_chat_tells_the_bot(platform: Platform, page: Page) -> None:
    entered = "im.chat.access_event.bot_p2p_chat_entered_v1"
    await open_client(page)
    assert await types_of(platform) == ["p2p_chat_create", entered]
    await page.get_by_test_id(f"bot-{platform.app_id}").click()
    await expect(page.get_by_test_id("composer")).to_be_focused()
    assert await types_of(platform) == ["p2p_chat_create", entered, entered]


async def test_empty_chat_offers_a_command_and_messages_are_answered_reacted_to_edited_and_recalled(
    platform: Platform, page: Page
) -> None:
    await platform.put_app(menu=[{"name": "帮助", "event_key": "help"}])
    await open_client(page)
    await page.get_by_test_id("menu-entry").click()
    await page.get_by_test_id("try-auth").click()
    said = page.get_by_test_id("message").first
    await expect(said.locator(".bubble")).to_have_text("/auth")
    await said.get_by_test_id("act-react").click()
    await said.get_by_test_id("emoji-THUMBSUP").click()
    await expect(said.get_by_test_id("reaction")).to_have_attribute("aria-pressed", "true")
    await said.get_by_test_id("act-edit").click()
    await page.get_by_test_id("composer").fill("/help")
    await page.get_by_test_id("send").click()
    await expect(said.locator(".bubble")).to_have_text("/help")
    await said.get_by_test_id("act-reply_in_thread").click()
    await page.get_by_test_id("composer").fill("more")
    await page.get_by_test_id("composer").press("Enter")
    answer = page.get_by_test_id("message").nth(1)
    await expect(answer.locator(".quoted")).to_contain_text("/help")
    await answer.get_by_test_id("act-recall").click()
    await expect(answer).to_have_text("消息已撤回")
    await page.locator("#attachment").set_input_files(
        {"name": "p.png", "mimeType": "image/png", "buffer": PNG}
    )
    await expect(page.get_by_test_id("picture")).to_have_js_property("naturalWidth", 1)
    assert await types_of(platform) == [
        "p2p_chat_create",
        "im.chat.access_event.bot_p2p_chat_entered_v1",
        "application.bot.menu_v6",
        "im.message.receive_v1",
        "im.message.reaction.created_v1",
        "im.message.receive_v1",
        "im.message.recalled_v1",
        "im.message.receive_v1",
    ]


async def test_mention_is_picked_by_keyboard_and_becomes_a_key(platform: Platform, page: Page) -> None:
    await platform.control("POST", "groups", {"name": "群", "people": ["lilei"], "apps": [platform.app_id]})
    await open_client(page)
    await page.locator("[data-testid^=group-]").click()
    composer = page.get_by_test_id("composer")
    await composer.press_sequentially("@测")
    await expect(page.get_by_test_id("mention")).to_have_count(1)
    await composer.press("Enter")
    await composer.press_sequentially("/auth")
    await composer.press("Enter")
    await expect(page.get_by_test_id("message").locator(".bubble")).to_have_text("@测试应用 /auth")
    calls = (await platform.control("GET", "calls"))["calls"]
    event = next(call for call in calls if call["path"] == "im.message.receive_v1")["request"]["event"]
    assert json.loads(event["message"]["content"]) == {"text": "@_user_1 /auth"}


async def test_card_speaks_the_language_and_its_link_opens_elsewhere(platform: Platform, page: Page) -> None:
    link = {
        "tag": "button",
        "type": "primary",
        "text": TEXT,
        "behaviors": [{"type": "open_url", "default_url": f"{platform.url}/oauth/v1/device/verify"}],
    }
    header = {"template": "blue", "title": {**TEXT, "i18n_content": {"zh_cn": "需要授权", "en_us": "Please"}}}
    await send(platform, link, header=header)
    await open_client(page)
    drawn = page.get_by_test_id("card")
    await expect(drawn).to_contain_text("需要授权")
    anchor = page.get_by_test_id("card-button")
    assert await anchor.evaluate("element => [element.tagName, element.target]") == ["A", "_blank"]
    async with page.expect_popup() as popup:
        await anchor.click()
    assert (await popup.value).url.endswith("/oauth/v1/device/verify")
    await page.get_by_test_id("lang").click()
    await page.wait_for_selector("body[data-ready]")
    await expect(drawn).to_contain_text("Please")
    await expect(anchor).to_have_text("Authorize")


async def test_link_shows_what_its_app_makes_of_it_in_the_language_of_the_page(
    platform: Platform, page: Page, connect
) -> None:
    title = {"zh_cn": "订单 4711", "en_us": "Order 4711"}
    shown = card({"tag": "markdown", "content": "Paid"}, button("ship"))
    line = await connect(data={"inline": {"i18n_title": title}, "card": {"type": "raw", "data": shown}})
    await platform.put_app(callbacks=["card.action.trigger", "url.preview.get"])
    parts = {key: {"content": [[{"tag": "text", "text": said}]]} for key, said in title.items()}
    await platform.send(json.dumps(parts), msg_type="post")
    await open_client(page)
    await expect(page.locator(".bubble")).to_have_text("订单 4711")
    await page.get_by_test_id("composer").fill("https://shop.test/4711")
    await page.get_by_test_id("composer").press("Enter")
    preview = page.get_by_test_id("preview")
    await expect(preview.get_by_role("link")).to_have_text("订单 4711")
    await expect(preview.get_by_role("link")).to_have_attribute("href", "https://shop.test/4711")
    await preview.get_by_test_id("card-button").click()
    await line.until(lambda line: bool(clicks(line)))
    assert clicks(line)[0]["context"]["url"] == "https://shop.test/4711"
    await page.get_by_test_id("lang").click()
    await page.wait_for_selector("body[data-ready]")
    await expect(preview.get_by_role("link")).to_have_text("Order 4711")
    await expect(page.locator(".bubble").first).to_have_text("Order 4711")


async def test_click_shows_the_toast_and_the_new_card(platform: Platform, page: Page, connect) -> None:
    done = card({"tag": "markdown", "content": "**Done**"})
    toast = {"type": "success", "content": "Saved", "i18n": {"zh_cn": "已保存"}}
    await connect(data={"toast": toast, "card": {"type": "raw", "data": done}})
    message_id = await send(platform, button("later"))
    await open_client(page)
    await page.get_by_test_id("card-button").click()
    await expect(page.get_by_test_id("toast")).to_have_text("已保存")
    await expect(page.locator(f"[data-message-id={message_id}]").get_by_test_id("card")).to_have_text("Done")


async def test_mention_shows_the_name(platform: Platform, page: Page) -> None:
    await send(platform, {"tag": "markdown", "content": f"Hello <at id={platform.open_id()}></at>"})
    await open_client(page)
    await expect(page.get_by_test_id("card")).to_have_text("Hello @李雷")


async def test_failed_click_shows_the_clients_code(platform: Platform, page: Page) -> None:
    await send(platform, button("later"))
    await open_client(page)
    await page.get_by_test_id("card-button").click()
    await expect(page.get_by_test_id("toast")).to_contain_text("200340")


async def test_question_comes_before_a_dangerous_button(platform: Platform, page: Page, connect) -> None:
    line = await connect(data={})
    sure = {
        "title": {"tag": "plain_text", "content": "Sure?"},
        "text": {"tag": "plain_text", "content": "Gone."},
    }
    await send(platform, button("delete", confirm=sure), button("off", disabled=True))
    await open_client(page)
    await expect(page.get_by_test_id("card-button").nth(1)).to_be_disabled()
    await page.get_by_test_id("card-button").first.click()
    await page.locator("dialog [value=no]").click()
    await page.get_by_test_id("card-button").first.click()
    await page.locator("dialog [value=yes]").click()
    await line.until(clicks)
    assert len(clicks(line)) == 1


async def test_form_is_sent_with_its_values(platform: Platform, page: Page, connect) -> None:
    line = await connect(data={})
    form = {
        "tag": "form",
        "name": "f",
        "elements": [
            {"tag": "input", "name": "reason"},
            {"tag": "checker", "name": "sure", "text": TEXT},
            {"tag": "button", "name": "go", "text": TEXT, "form_action_type": "submit"},
        ],
    }
    await send(platform, form)
    await open_client(page)
    await page.locator(".card input:not([type=checkbox])").fill("because")
    await page.locator(".card input[type=checkbox]").check()
    await page.get_by_test_id("card-button").click()
    await line.until(clicks)
    action = clicks(line)[0]["action"]
    assert (action["name"], action["form_value"]) == ("go", {"reason": "because", "sure": True})


async def test_words_of_a_card_cannot_become_markup(platform: Platform, page: Page) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"> [x](javascript:alert(1)) **b** `<i>`"
    await send(platform, {"tag": "markdown", "content": evil})
    await platform.send(json.dumps({"text": evil}))
    await open_client(page)
    await expect(page.locator(".card strong")).to_have_text("b")
    assert await page.locator(".messages img, .messages a").count() == 0
    assert await page.title() != "owned"


async def test_consent_in_the_browser_leads_back_with_a_code(platform: Platform, page: Page) -> None:
    back = f"{platform.url}/oauth/v1/device/verify"
    await platform.put_app(redirect_urls=[back])
    query = f"client_id={platform.app_id}&redirect_uri={back}&scope=offline_access&state=s"
    await page.goto(f"/open-apis/authen/v1/authorize?{query}")
    await page.get_by_test_id("consent-person").select_option("hanmeimei")
    await page.get_by_test_id("consent-allow").click()
    await page.wait_for_url(f"{back}?code=*")
    assert page.url.endswith("&state=s")
    await page.goto(f"/open-apis/authen/v1/authorize?{query}")
    await page.get_by_test_id("consent-deny").click()
    await page.wait_for_url(f"{back}?error=access_denied&state=s")


async def test_narrow_screen_scrolls_nothing_sideways(platform: Platform, page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await send(platform, {"tag": "markdown", "content": "x" * 300}, button("a"))
    for path in ("/", f"/open-apis/authen/v1/authorize?client_id={platform.app_id}&redirect_uri={REDIRECT}"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth") == 390


async def test_developer_console_makes_an_app_pushes_an_event_and_breaks_things(
    platform: Platform, page: Page, connect
) -> None:
    await connect()
    await page.goto("/#apps")
    await page.get_by_test_id("app-new").click()
    await page.get_by_test_id("field-name").fill("新应用")
    await page.get_by_test_id("field-redirect_urls").fill("http://a/\nhttp://b/")
    await page.get_by_test_id("app-create-submit").click()
    await expect(page.get_by_test_id("console-note")).to_contain_text("应用已创建")
    await page.locator("input[name=scopes][value='im:message']").uncheck()
    await page.get_by_test_id("field-menu").fill("帮助 = help")
    await page.get_by_test_id("app-edit-submit").click()
    await expect(page.get_by_test_id("console-note")).to_have_text("已保存")
    app = (await platform.control("GET", "apps"))["apps"][-1]
    assert (app["name"], app["redirect_urls"]) == ("新应用", ["http://a/", "http://b/"])
    assert app["menu"] == [{"name": "帮助", "event_key": "help"}]
    assert "im:message" not in app["scopes"]
    await page.get_by_test_id("tab-push").click()
    await page.get_by_test_id("field-push_app").select_option(platform.app_id)
    await page.get_by_test_id("field-template").select_option("application.bot.menu_v6")
    await page.get_by_test_id("push-form-submit").click()
    await expect(page.get_by_test_id("pushed").first).to_have_attribute("data-state", "acked")
    await page.get_by_test_id("tab-push").press("ArrowRight")
    await page.get_by_test_id("fault-delivery.encoding").select_option("0")
    await expect(page.get_by_test_id("console-note")).to_have_text("已保存")
    assert (await platform.control("GET", "faults"))["delivery"]["encoding"] == "gzip"
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("console")).to_be_hidden()


async def test_log_folds_what_repeats_shows_one_bot_and_gives_calls_as_curl(
    platform: Platform, page: Page, config: SandboxConfig
) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    config.portal_url = "http://localhost:8000"
    await platform.control("PUT", "settings", {"speed": 10_000})
    await platform.control("POST", "push", {"app_id": OTHER_APP_ID, "ids": ["once"]})
    async with asyncio.timeout(PATIENCE):
        while (await platform.control("GET", "books", app_id=OTHER_APP_ID))["counts"]["failed"] == 0:
            await asyncio.sleep(0.02)
    for _ in range(3):
        await platform.discover(OTHER_APP_ID, "wrong")
    await platform.send('{"text": "it\'s"}')
    await open_client(page)
    calls = page.get_by_test_id("call")
    pushed = calls.filter(has_text="sandbox.synthetic_v1")
    await expect(pushed).to_contain_text("5 次")
    await expect(calls.filter(has_text="/callback/ws/endpoint")).to_contain_text("3 次")
    await pushed.locator("summary").click()
    link = pushed.get_by_test_id("in-portal")
    await expect(link).to_have_attribute("href", "http://localhost:8000/admin/events/event/?q=once")
    await page.get_by_test_id("log-app").select_option(platform.app_id)
    await expect(pushed).to_have_count(0)
    sent = calls.filter(has_text="/im/v1/messages")
    await sent.locator("summary").click()
    await sent.get_by_test_id("as-curl").click()
    await expect(page.get_by_test_id("toast")).to_contain_text("已复制")
    command = await page.evaluate("navigator.clipboard.readText()")
    assert command.startswith(
        f"curl -X POST '{platform.url}/open-apis/im/v1/messages?receive_id_type=open_id'"
    )
    assert '-H "Authorization: Bearer $TOKEN"' in command
    shown = json.loads(shlex.split(command)[-1])
    assert json.loads(shown["content"]) == {"text": "it's"}


async def test_app_is_registered_on_the_page_of_its_code(platform: Platform, page: Page) -> None:
    form = {"action": "begin", "archetype": "PersonalAgent", "auth_method": "client_secret"}
    begun = (await platform.http.post("/oauth/v1/app/registration", data=form)).json()
    await page.goto(begun["verification_uri_complete"] + "&from=sdk&name={user}的助手&desc=每天的摘要")
    await expect(page.get_by_test_id("registration-name")).to_have_value("李雷的助手")
    await page.get_by_test_id("registration-name").fill("摘要助手")
    await page.get_by_test_id("registration-allow").click()
    await expect(page.get_by_test_id("registration-outcome")).to_contain_text("已完成")
    poll = {"action": "poll", "device_code": begun["device_code"]}
    answer = (await platform.http.post("/oauth/v1/app/registration", data=poll)).json()
    apps = (await platform.control("GET", "apps"))["apps"]
    assert {app["app_id"]: app["name"] for app in apps}[answer["client_id"]] == "摘要助手"
    await page.go_back()
    await page.reload()
    await expect(page.get_by_role("alert")).to_be_visible()
