"""What people do besides writing text: pictures and files, reactions, reading, the menu, coming and going."""

import base64
import json
from typing import Any

import pytest

from tests.sandbox.conftest import APP_ID, OTHER_APP_ID, Platform

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
TWO_LINES = [
    [{"tag": "text", "text": "周报"}],
    [{"tag": "a", "text": "链接", "href": "https://example.test"}],
]


async def raised(platform: Platform, app_id: str = APP_ID) -> list[tuple[str, dict[str, Any]]]:
    """Types and bodies of the events so far, oldest first."""
    calls = (await platform.control("GET", "calls", app_id=app_id))["calls"]
    pushed = [call["request"] for call in calls if call["kind"] == "push"]
    return [(one["header"]["event_type"], one["event"]) for one in reversed(pushed)]


async def say(platform: Platform, *, status: int = 200, **what: Any) -> Any:
    wish = {"person": "lilei", "app_id": APP_ID, **what}
    return await platform.control("POST", "say", wish, status=status)


@pytest.mark.parametrize(
    ("kind", "key", "more"),
    [
        ("image", "image_key", {}),
        ("file", "file_key", {"file_name": "图.png"}),
        ("audio", "file_key", {"duration": 1000}),
        ("media", "file_key", {"file_name": "图.png", "duration": 1000}),
        ("sticker", "file_key", {}),
    ],
)
async def test_person_sends_something_and_the_bot_downloads_it(
    platform: Platform, kind: str, key: str, more: dict
) -> None:
    attachment = {"kind": kind, "name": "图.png", "data": base64.b64encode(PNG).decode()}
    sent = await say(platform, attachment=attachment)
    [(event_type, event)] = await raised(platform)
    assert (event_type, event["message"]["message_type"]) == ("im.message.receive_v1", kind)
    content = json.loads(event["message"]["content"])
    assert content == {key: content[key], **more}
    path = f"im/v1/messages/{sent['message_id']}/resources/{content[key]}"
    answer = await platform.api("GET", path, params={"type": "image" if kind == "image" else "file"})
    assert answer.content == PNG
    foreign = await platform.tenant_token(OTHER_APP_ID)
    refused = await platform.api("GET", path, token=foreign, params={"type": "image"})
    assert refused.json()["code"] == 230002


async def test_person_sends_rich_text(platform: Platform) -> None:
    await say(platform, post={"content": TWO_LINES})
    [(_, event)] = await raised(platform)
    assert event["message"]["message_type"] == "post"
    assert json.loads(event["message"]["content"]) == {"title": "", "content": TWO_LINES}


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"text": "a", "post": {"content": []}},
        {"post": {"content": "a"}},
        {"attachment": {"kind": "image"}},
    ],
)
async def test_what_is_not_one_message_is_refused(platform: Platform, what: dict) -> None:
    assert (await say(platform, status=400, **what))["error"]


async def test_reaction_of_a_person_is_an_event_and_is_listed(platform: Platform) -> None:
    message_id = (await platform.send('{"text": "done?"}')).json()["data"]["message_id"]
    wish = {"person": "lilei", "message_id": message_id, "emoji_type": "OK"}
    for _ in range(2):  # the second changes nothing
        await platform.control("POST", "react", wish)
    listed = (await platform.api("GET", f"im/v1/messages/{message_id}/reactions")).json()["data"]["items"]
    assert [(one["operator"], one["reaction_type"]) for one in listed] == [
        ({"operator_id": platform.open_id(), "operator_type": "user"}, {"emoji_type": "OK"})
    ]
    await platform.control("POST", "react", wish | {"added": False})
    events = await raised(platform)
    assert [kind for kind, _ in events] == [
        "im.message.reaction.created_v1",
        "im.message.reaction.deleted_v1",
    ]
    assert events[0][1]["user_id"]["open_id"] == platform.open_id()
    await platform.control("POST", "react", wish | {"person": "wangfang"}, status=400)


async def test_reading_is_told_once_and_the_readers_are_listed(platform: Platform) -> None:
    sent = [(await platform.send('{"text": "x"}')).json()["data"]["message_id"] for _ in range(2)]
    wish = {"person": "lilei", "app_id": APP_ID}
    assert (await platform.control("POST", "read", wish))["message_ids"] == sent
    assert (await platform.control("POST", "read", wish))["message_ids"] == []
    [(event_type, event)] = await raised(platform)
    assert (event_type, event["message_id_list"]) == ("im.message.message_read_v1", sent)
    assert event["reader"]["reader_id"]["open_id"] == platform.open_id()
    path = f"im/v1/messages/{sent[0]}/read_users"
    [reader] = (await platform.api("GET", path, params={"user_id_type": "user_id"})).json()["data"]["items"]
    assert (reader["user_id"], reader["timestamp"]) == ("lilei", event["reader"]["read_time"])
    assert (await platform.api("GET", path)).json()["code"] == 99992402


async def test_entry_of_the_menu_is_an_event(platform: Platform) -> None:
    wish = {"person": "lilei", "app_id": APP_ID, "event_key": "weekly_report"}
    assert (await platform.control("POST", "menu", wish))["event_id"]
    [(event_type, event)] = await raised(platform)
    assert (event_type, event["event_key"]) == ("application.bot.menu_v6", "weekly_report")
    assert event["operator"]["operator_name"] == "李雷"
    assert isinstance(event["timestamp"], int)
    await platform.put_app(events=["im.message.receive_v1"])
    assert (await platform.control("POST", "menu", wish))["event_id"] is None


async def test_people_and_bots_come_and_go(platform: Platform) -> None:
    group = {"name": "项目群", "people": ["lilei"], "apps": [APP_ID]}
    chat_id = (await platform.control("POST", "groups", group))["chat_id"]
    come = {"chat_id": chat_id, "people": ["wangfang", "lilei"], "apps": [OTHER_APP_ID], "operator": "lilei"}
    now = await platform.control("POST", "members", come)
    assert now == {"people": ["lilei", "wangfang"], "apps": [APP_ID, OTHER_APP_ID]}
    go = {"chat_id": chat_id, "people": ["wangfang"], "apps": [APP_ID], "joins": False}
    assert await platform.control("POST", "members", go) == {"people": ["lilei"], "apps": [OTHER_APP_ID]}
    mine = await raised(platform)
    assert [kind for kind, _ in mine] == [
        "im.chat.member.bot.added_v1",
        "im.chat.member.user.added_v1",
        "im.chat.member.bot.deleted_v1",
    ]
    assert [user["name"] for user in mine[1][1]["users"]] == ["王芳"]
    assert mine[1][1]["operator_id"]["open_id"] == platform.open_id()
    assert [kind for kind, _ in await raised(platform, OTHER_APP_ID)][-1] == "im.chat.member.user.deleted_v1"
    for wish, status in (({"chat_id": "oc_x"}, 404), ({**go, "people": ["lilei"], "apps": []}, 409)):
        await platform.control("POST", "members", wish, status=status)


async def test_members_that_an_app_adds_are_an_event(platform: Platform) -> None:
    body = {"name": "群", "user_id_list": [platform.open_id()]}
    chat_id = (await platform.api("POST", "im/v1/chats", json=body)).json()["data"]["chat_id"]
    add = {"id_list": [platform.open_id("wangfang"), platform.open_id()]}
    assert (await platform.api("POST", f"im/v1/chats/{chat_id}/members", json=add)).json()["code"] == 0
    [(event_type, event)] = await raised(platform)
    assert event_type == "im.chat.member.user.added_v1"
    assert [user["name"] for user in event["users"]] == ["王芳"]


async def test_answer_in_a_thread_names_its_parent_and_its_thread(platform: Platform) -> None:
    first = (await say(platform, text="a question"))["message_id"]
    await say(platform, text="an answer", parent_id=first, in_thread=True)
    _, event = (await raised(platform))[-1]
    message = event["message"]
    assert (message["parent_id"], message["root_id"]) == (first, first)
    asked = (await platform.api("GET", f"im/v1/messages/{first}")).json()["data"]["items"][0]
    assert message["thread_id"] == asked["thread_id"]
    await say(platform, text="x", parent_id="om_unknown", status=404)
    other = (await say(platform, text="elsewhere", person="wangfang"))["message_id"]
    await say(platform, text="x", parent_id=other, status=400)


async def test_client_shows_pictures_and_saves_everything_else(platform: Platform) -> None:
    evil = b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"
    for data, kind, shown in ((PNG, "image", "image/png"), (evil, "file", "application/octet-stream")):
        sent = await say(platform, attachment={"kind": kind, "data": base64.b64encode(data).decode()})
        messages = (await platform.control("GET", "messages", chat_id=sent["chat_id"]))["messages"]
        key = json.loads(messages[-1]["content"])[f"{kind}_key"]
        answer = await platform.http.get(f"/sandbox/resource/{key}")
        assert (answer.content, answer.headers["content-type"]) == (data, shown)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert ("content-disposition" in answer.headers) == (kind == "file")
    assert (await platform.http.get("/sandbox/resource/img_unknown")).status_code == 404


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "zh-CN"),
        ({"Accept-Language": "en-GB,en;q=0.9,zh;q=0.8"}, "en"),
        ({"Accept-Language": "fr-FR,zh-TW;q=0.9,en;q=0.5"}, "zh-CN"),
        ({"Accept-Language": "en", "Cookie": "sandbox_lang=zh"}, "zh-CN"),
        ({"Cookie": "sandbox_lang=en"}, "en"),
    ],
)
async def test_pages_speak_the_language_that_was_chosen_or_that_the_browser_asks_for(
    platform: Platform, headers: dict, language: str
) -> None:
    assert f'<html lang="{language}">' in (await platform.http.get("/", headers=headers)).text
