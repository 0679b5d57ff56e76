"""A link in a message, the callback about it, and what the client shows of the answer."""

import asyncio
from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.world.messages import Message, Preview
from sandbox.world.snapshot import restore, snapshot_of
from sandbox.world.world import World
from tests.sandbox.cards import CARD_WITH_BUTTON, card
from tests.sandbox.conftest import APP_ID, OTHER_APP_ID, Platform, app_config
from tests.services.processes import PATIENCE

PREVIEW = "url.preview.get"
URL = "https://shop.example.com/orders/4711"
TITLE = {"zh_cn": "订单 4711", "en_us": "Order 4711"}
INLINE = {"inline": {"i18n_title": TITLE}}
DONE = card({"tag": "markdown", "content": "Done"})


@pytest.fixture
async def platform(served: Platform) -> Platform:
    await served.put_app(callbacks=["card.action.trigger", PREVIEW])
    return served


async def say(platform: Platform, **said: Any) -> str:
    wish = {"person": "lilei", "app_id": platform.app_id, **said}
    return (await platform.control("POST", "say", wish))["message_id"]


async def message(platform: Platform, message_id: str) -> dict[str, Any]:
    shown = await platform.control("GET", "messages", person="lilei", app_id=platform.app_id)
    return next(one for one in shown["messages"] if one["message_id"] == message_id)


async def previews(platform: Platform, message_id: str, count: int = 1) -> list[dict[str, Any]]:
    """The previews of a message, once there are so many."""
    async with asyncio.timeout(PATIENCE):
        while len(found := (await message(platform, message_id))["previews"]) < count:
            await asyncio.sleep(0.02)
    return found


async def callbacks(platform: Platform, count: int) -> list[dict[str, Any]]:
    """What became of the callbacks about links, once so many are answered or given up."""
    async with asyncio.timeout(PATIENCE):
        while True:
            pushed = [one for one in (await platform.books())["events"] if one["event_type"] == PREVIEW]
            if sum(one["state"] in {"acked", "failed"} for one in pushed) >= count:
                return pushed
            await asyncio.sleep(0.02)


def asked(line) -> list[dict[str, Any]]:
    return [one for one in line.events() if one.get("header", {}).get("event_type") == PREVIEW]


async def test_callback_says_which_link_who_sees_it_and_where(platform: Platform, connect) -> None:
    line = await connect(data={**INLINE, "card": {"type": "raw", "data": DONE}})
    message_id = await say(platform, text=f"看{URL}，谢谢")
    [shown] = await previews(platform, message_id)
    assert (shown["url"], shown["i18n_title"], shown["card"]) == (URL, TITLE, DONE)
    [payload] = asked(line)
    assert len(payload["header"]["create_time"]) == 16
    event = payload["event"]
    assert event["operator"]["open_id"] == platform.open_id()
    assert event["host"] == "im_message"
    assert event["context"]["url"] == URL
    assert event["context"]["preview_token"] == shown["token"]
    assert event["context"]["open_message_id"] == message_id
    assert event["context"]["open_chat_id"].startswith("oc_")


async def test_rich_text_has_its_links_and_each_is_asked_about_once(platform: Platform, connect) -> None:
    line = await connect(data=INLINE)
    links = [{"tag": "a", "text": "here", "href": f"{URL}?{number}"} for number in (1, 2, 2)]
    script = {"tag": "a", "text": "no", "href": "javascript:alert(1)"}
    content = [[*links, script, {"tag": "text", "text": f"or {URL}."}]]
    message_id = await say(platform, post={"content": content})
    await previews(platform, message_id, 3)
    assert sorted(one["event"]["context"]["url"] for one in asked(line)) == [URL, f"{URL}?1", f"{URL}?2"]


async def test_no_more_than_five_links_are_asked_about(platform: Platform, connect) -> None:
    line = await connect(data={})
    await say(platform, text=" ".join(f"{URL}?{number}" for number in range(9)))
    await callbacks(platform, 5)
    assert len(asked(line)) == 5


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (
            {"inline": {"title": "T", "url": {"web": "https://w.test/", "ios": "x:"}}},
            ("T", "https://w.test/"),
        ),
        ({"inline": {"title": "T", "url": {"pc": "javascript:x"}}}, ("T", "")),
        ({"inline": {"title": "T"}, "card": {"type": "template", "data": {"template_id": "A"}}}, ("T", "")),
        ({"inline": {"title": "T"}, "card": {"type": "raw", "data": card({"tag": "note"})}}, ("T", "")),
        ({"inline": {"title": 7, "i18n_title": {"zh_cn": 7}}}, None),
        ({"card": DONE}, None),
        ({"inline": []}, None),
        ({}, None),
        ([], None),
        (b"no json", None),
        (b'{"inline": {"title": "\\ud800"}}', None),
        (None, None),
    ],
)
async def test_answer_is_shown_as_far_as_it_is_one(
    platform: Platform, connect, data: Any, shown: Any
) -> None:
    await connect(data=data)
    message_id = await say(platform, text=URL)
    if shown is None:
        await callbacks(platform, 1)
        assert (await message(platform, message_id))["previews"] == []
    else:
        [preview] = await previews(platform, message_id)
        assert ((preview["title"], preview["href"]), preview["card"]) == (shown, None)


async def test_silence_is_tried_once_and_shows_nothing(platform: Platform, connect) -> None:
    await platform.hurry()
    line = await connect(answer=False)
    message_id = await say(platform, text=URL)
    [callback] = await callbacks(platform, 1)
    assert [attempt["outcome"] for attempt in callback["attempts"]] == ["timeout"]
    assert (await message(platform, message_id))["previews"] == []
    assert len(asked(line)) == 1


async def test_app_without_the_callback_and_message_without_a_link_are_let_alone(
    platform: Platform, connect
) -> None:
    line = await connect(data=INLINE)
    await say(platform, text="http: no link")
    await platform.put_app(callbacks=["card.action.trigger"])
    await say(platform, text=URL)
    await platform.settled(2)
    assert asked(line) == []


async def test_in_a_group_the_first_bot_that_has_something_to_show_is_shown(
    platform: Platform, connect
) -> None:
    await connect(data=INLINE)
    other = {"callbacks": [PREVIEW]}
    await platform.control("PUT", f"apps/{OTHER_APP_ID}", other, verify="false")
    group = {"name": "群", "people": ["lilei"], "apps": [OTHER_APP_ID, platform.app_id]}
    chat_id = (await platform.control("POST", "groups", group))["chat_id"]
    await say(platform, app_id=None, chat_id=chat_id, text=URL)
    async with asyncio.timeout(PATIENCE):
        while not (
            found := (await platform.control("GET", "messages", chat_id=chat_id))["messages"][-1]["previews"]
        ):
            await asyncio.sleep(0.02)
    assert found[0]["app_id"] == platform.app_id


async def test_links_of_an_edited_message_are_asked_about_again(platform: Platform, connect) -> None:
    await connect(data=INLINE)
    message_id = await say(platform, text=URL)
    await previews(platform, message_id)
    wish = {"person": "lilei", "message_id": message_id, "text": f"{URL}?new"}
    await platform.control("POST", "edit", wish)
    [shown] = await previews(platform, message_id)
    assert shown["url"] == f"{URL}?new"


async def test_card_below_a_link_can_be_clicked_changed_and_updated_later(
    platform: Platform, connect
) -> None:
    line = await connect(data={**INLINE, "card": {"type": "raw", "data": CARD_WITH_BUTTON}})
    message_id = await say(platform, text=URL)
    [shown] = await previews(platform, message_id)
    line.data = {"card": {"type": "raw", "data": DONE}}
    wish = {"person": "lilei", "message_id": message_id, "preview_token": shown["token"]}
    result = await platform.control("POST", "click", wish)
    assert (result["code"], result["card_updated"]) == (0, True)
    event = line.events()[-1]["event"]
    assert (event["delivery_type"], event["context"]["url"]) == ("url_preview", URL)
    assert event["context"]["preview_token"] == shown["token"]
    clicked = await message(platform, message_id)
    assert (clicked["previews"][0]["card"], clicked["updated"]) == (DONE, False)
    later = card({"tag": "markdown", "content": "Later"})
    body = {"token": result["token"], "card": later}
    assert (await platform.api("POST", "interactive/v1/card/update", json=body)).json()["code"] == 0
    assert (await message(platform, message_id))["previews"][0]["card"] == later
    await platform.control("POST", "click", {**wish, "preview_token": "none"}, status=400)
    await platform.control("POST", "click", {**wish, "preview_token": ""}, status=400)


def test_previews_outlive_a_restart() -> None:
    first, second = World(SandboxConfig(apps=[app_config()])), World(SandboxConfig())
    chat = first.mailbox.p2p(APP_ID, "lilei")
    preview = Preview(url=URL, token="t", app_id=APP_ID, i18n_title=TITLE, card=DONE)
    first.mailbox.add(
        Message(
            message_id="om_1",
            chat_id=chat.chat_id,
            sender="lilei",
            sender_type="user",
            tenant_key="t",
            msg_type="text",
            content="{}",
            create_time=1,
            update_time=1,
            previews=[preview],
        )
    )
    restore(second, snapshot_of(first))
    kept = second.mailbox.get("om_1")
    assert kept
    assert kept.previews == [preview]
