"""A click, its callback, and what the client makes of the answer."""

import asyncio
import json
from typing import Any

import pytest

from tests.sandbox.cards import CARD_WITH_BUTTON, card
from tests.sandbox.conftest import OTHER_APP_ID, Platform

DONE = card({"tag": "markdown", "content": "Done"})


@pytest.fixture
def platform(served: Platform) -> Platform:
    return served


async def click(platform: Platform, sent: dict[str, Any] = CARD_WITH_BUTTON, **wish: Any) -> dict[str, Any]:
    answer = await platform.send(json.dumps(sent), msg_type="interactive")
    message_id = answer.json()["data"]["message_id"]
    return await platform.control("POST", "click", {"person": "lilei", "message_id": message_id, **wish})


async def last_card(platform: Platform) -> dict[str, Any]:
    shown = await platform.control("GET", "messages", person="lilei", app_id=platform.app_id)
    return json.loads(shown["messages"][-1]["content"])


async def update(
    platform: Platform, token: str, sent: dict[str, Any] = DONE, bearer: str | None = None
) -> int:
    body = {"token": token, "card": sent}
    answer = await platform.api("POST", "interactive/v1/card/update", token=bearer, json=body)
    return answer.json()["code"]


async def test_many_click_in_the_same_moment_or_nobody(platform: Platform, connect) -> None:
    await connect(data={"toast": {"type": "info", "content": "seen"}})
    answer = await platform.send(json.dumps(CARD_WITH_BUTTON), msg_type="interactive")
    wish = {"person": "lilei", "message_id": answer.json()["data"]["message_id"]}
    seen = await platform.control("POST", "clicks", {"clicks": [wish, wish, wish]})
    assert [(one["code"], one["toast"]["content"]) for one in seen["results"]] == [(0, "seen")] * 3
    impossible = {"clicks": [wish, wish | {"person": "nobody"}]}
    assert (await platform.control("POST", "clicks", impossible, status=404))["error"]
    assert len((await platform.books())["events"]) == 3


async def test_callback_carries_who_clicked_what_and_where(platform: Platform, connect) -> None:
    line = await connect(data={})
    result = await click(platform)
    assert (result["code"], result["toast"], result["card_updated"]) == (0, None, False)
    frame, [payload] = line.frames[0], line.events()
    assert frame.header("type") == "event"
    assert payload["header"]["event_type"] == "card.action.trigger"
    assert len(payload["header"]["create_time"]) == 16
    event = payload["event"]
    assert event["action"] == {"value": {"op": "later"}, "tag": "button", "name": "btn_later"}
    assert event["operator"]["open_id"] == platform.open_id()
    assert event["token"].startswith("c-")
    assert event["host"] == "im_message"
    assert event["context"]["open_message_id"].startswith("om_")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, 0),
        ({"toast": {"type": "info", "content": "x", "i18n": {"zh_cn": "好"}}}, 0),
        ({"card": {"type": "raw", "data": DONE}}, 0),
        (None, 108002),
        (b"no json", 200672),
        ([], 200672),
        ({"toast": {"type": "loud", "content": "x"}}, 200672),
        ({"toast": {"type": [], "content": "x"}}, 200672),
        ({"toast": "x"}, 200672),
        ({"card": DONE}, 200673),
        ({"card": {"type": "raw", "data": card({"tag": "note"})}}, 200673),
        ({"card": {"type": "raw", "data": {"elements": []}}}, 200830),
    ],
)
async def test_answer_is_checked_as_the_client_checks_it(
    platform: Platform, connect, data: Any, code: int
) -> None:
    await connect(data=data)
    assert (await click(platform))["code"] == code
    replaced = code == 0 and "card" in data
    assert await last_card(platform) == (DONE if replaced else CARD_WITH_BUTTON)


async def test_failing_handler_absent_app_and_silence_have_their_codes(platform: Platform, connect) -> None:
    assert (await click(platform))["code"] == 200340
    line = await connect(code=500)
    assert (await click(platform))["code"] == 200671
    line.answer = False
    await platform.hurry()
    assert (await click(platform))["code"] == 200341
    books = await platform.books()
    assert [len(event["attempts"]) for event in books["events"]] == [1, 1, 1]


async def test_card_frames_are_sent_on_demand_for_callbacks_alone(platform: Platform, connect) -> None:
    line = await connect(data={})
    await platform.control("PUT", "faults", {"delivery": {"card_frames": True}})
    await click(platform)
    await platform.control("POST", "push", {"app_id": platform.app_id})
    await platform.settled(2)
    assert [frame.header("type") for frame in line.frames] == ["card", "event"]


async def test_click_by_name_by_action_and_on_nothing(platform: Platform, connect) -> None:
    line = await connect(data={})
    await click(platform, name="btn_later")
    action = {"tag": "select_static", "value": {}, "option": "two"}
    await click(platform, action=action)
    assert line.events()[1]["event"]["action"] == action
    sent = await platform.send(json.dumps(DONE), msg_type="interactive")
    wish = {"person": "lilei", "message_id": sent.json()["data"]["message_id"]}
    await platform.control("POST", "click", wish, status=400)
    stranger = {**wish, "person": "wangfang"}
    assert "does not see" in (await platform.control("POST", "click", stranger, status=400))["error"]


async def test_delayed_update_works_twice_for_the_own_card(platform: Platform, connect) -> None:
    await connect(data={})
    token = (await click(platform))["token"]
    others = await platform.tenant_token(OTHER_APP_ID)
    assert await update(platform, token, bearer=others) == 200310
    assert [await update(platform, token) for _ in range(3)] == [0, 0, 300040]
    assert await last_card(platform) == DONE


async def test_delayed_update_refuses_strange_tokens_and_cards(platform: Platform, connect) -> None:
    await connect(data={})
    token = (await click(platform))["token"]
    assert await update(platform, "x") == 300020
    assert await update(platform, "c-unknown") == 300030
    assert await update(platform, token, card({"tag": "note"})) == 11311
    assert await update(platform, token, {"elements": []}) == 300090
    assert await update(platform, token, {"elements": [], "config": {"update_multi": True}}) == 200830


async def test_delayed_update_comes_after_the_answer_and_not_before(platform: Platform, connect) -> None:
    line = await connect(data={}, answer=False)
    clicking = asyncio.create_task(click(platform))
    await line.until(lambda line: line.events())
    token = line.events()[0]["event"]["token"]
    assert await update(platform, token) == 300000
    await line.ack(line.frames[0])
    assert (await clicking)["code"] == 0
    assert await update(platform, token) == 0


async def test_recalled_card_cannot_be_clicked_nor_updated(platform: Platform, connect) -> None:
    await connect(data={})
    answer = await platform.send(json.dumps(CARD_WITH_BUTTON), msg_type="interactive")
    wish = {"person": "lilei", "message_id": answer.json()["data"]["message_id"]}
    token = (await platform.control("POST", "click", wish))["token"]
    await platform.control("POST", "recall", wish)
    await platform.control("POST", "click", wish, status=400)
    assert await update(platform, token) == 200000
