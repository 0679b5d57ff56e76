"""What a bot reads where a person has written `@` and a name."""

import json
from typing import Any

import pytest

from sandbox.world import ids
from tests.sandbox.conftest import APP_ID, OTHER_APP_ID, Platform

NAMED = {APP_ID: "飞书门户演示", OTHER_APP_ID: "飞书"}


@pytest.fixture
async def group(platform: Platform) -> str:
    for app_id, name in NAMED.items():
        await platform.control("PUT", f"apps/{app_id}", {"name": name, "en_name": ""})
    body = {"name": "g", "people": ["lilei", "wangfang"], "apps": list(NAMED)}
    return (await platform.control("POST", "groups", body))["chat_id"]


async def heard(platform: Platform, group: str, text: str, **who: Any) -> dict[str, Any]:
    """The message as the first app was told of it."""
    await platform.control("POST", "say", {"person": "lilei", "chat_id": group, "text": text, **who})
    calls = (await platform.control("GET", "calls", app_id=APP_ID))["calls"]
    return next(call for call in calls if call["path"] == "im.message.receive_v1")["request"]["event"][
        "message"
    ]


@pytest.mark.parametrize(
    ("text", "who", "read"),
    [
        ("@飞书门户演示 /auth", {"mention": [APP_ID]}, "@_user_1 /auth"),
        ("请 @飞书 和 @飞书门户演示 看", {"mention": [APP_ID, OTHER_APP_ID]}, "请 @_user_1 和 @_user_2 看"),
        ("/auth", {"mention": [APP_ID]}, "@_user_1 /auth"),
        (
            "@Wang Fang 与 @飞书门户演示",
            {"mention": [APP_ID], "mention_people": ["wangfang"]},
            "@_user_1 与 @_user_2",
        ),
        ("@所有人 @飞书门户演示 hi", {"mention": [APP_ID], "mention_all": True}, "@_all @_user_1 hi"),
    ],
)
async def test_key_stands_where_the_name_stood(
    platform: Platform, group: str, text: str, who: dict, read: str
) -> None:
    message = await heard(platform, group, text, **who)
    assert json.loads(message["content"])["text"] == read
    for mention in message["mentions"]:
        assert mention["key"] in read


async def test_mentioned_person_has_the_ids_by_which_each_app_knows_them(
    platform: Platform, group: str
) -> None:
    await platform.put_app(scopes=["im:message", "im:message.group_at_msg:readonly"])
    message = await heard(
        platform, group, "@王芳 @飞书门户演示", mention=[APP_ID], mention_people=["wangfang"]
    )
    person, bot = message["mentions"]
    assert person == {
        "key": "@_user_1",
        "id": {"union_id": ids.union_id("wangfang"), "open_id": platform.open_id("wangfang")},
        "mentioned_type": "user",
        "name": "王芳",
        "tenant_key": person["tenant_key"],
    }
    assert bot["id"]["open_id"] == ids.bot_open_id(APP_ID)


async def test_edited_text_is_keyed_again_and_found_when_a_bot_asks(platform: Platform, group: str) -> None:
    said = {"person": "lilei", "chat_id": group, "text": "hi"}
    message_id = (await platform.control("POST", "say", said))["message_id"]
    edited = {"person": "lilei", "message_id": message_id, "text": "@飞书门户演示 you", "mention": [APP_ID]}
    await platform.control("POST", "edit", edited)
    item = (await platform.api("GET", f"im/v1/messages/{message_id}")).json()["data"]["items"][0]
    assert (item["updated"], json.loads(item["body"]["content"])) == (True, {"text": "@_user_1 you"})
    assert item["mentions"][0]["id"] == ids.bot_open_id(APP_ID)
    await platform.control("POST", "edit", {**edited, "person": "wangfang"}, status=400)
    for _ in range(19):
        await platform.control("POST", "edit", edited)
    await platform.control("POST", "edit", edited, status=400)
