"""Card entities: created, sent once, streamed into, changed as a whole."""

import json

from tests.sandbox.cards import card
from tests.sandbox.conftest import OTHER_APP_ID, Platform

STREAM = card({"tag": "markdown", "element_id": "md", "content": "…"}, streaming_mode=True)


async def create(platform: Platform, given: dict = STREAM, **options):
    body = {"type": "card_json", "data": json.dumps(given)}
    return (await platform.api("POST", "cardkit/v1/cards", json=body, **options)).json()


async def send(platform: Platform, card_id: str):
    content = json.dumps({"type": "card", "data": {"card_id": card_id}})
    return (await platform.send(content, msg_type="interactive")).json()


async def stream(
    platform: Platform, card_id: str, text: str, sequence: int, element: str = "md", **more
) -> int:
    path = f"cardkit/v1/cards/{card_id}/elements/{element}/content"
    answer = await platform.api("PUT", path, json={"content": text, "sequence": sequence, **more})
    return answer.json()["code"]


async def shown(platform: Platform) -> dict:
    messages = (await platform.control("GET", "messages", person="lilei", app_id=platform.app_id))["messages"]
    return json.loads(messages[-1]["content"])


async def test_text_streams_into_a_card_that_was_sent(platform: Platform) -> None:
    card_id = (await create(platform))["data"]["card_id"]
    assert (await send(platform, card_id))["code"] == 0
    assert await stream(platform, card_id, "word", 1) == 0
    assert await stream(platform, card_id, "word by word", 2) == 0
    assert (await shown(platform))["body"]["elements"][0]["content"] == "word by word"


async def test_sequence_has_to_grow_and_a_repeated_uuid_does_nothing(platform: Platform) -> None:
    card_id = (await create(platform))["data"]["card_id"]
    assert await stream(platform, card_id, "a", 5, uuid="u") == 0
    assert await stream(platform, card_id, "b", 5) == 300317
    assert await stream(platform, card_id, "b", 5, uuid="u") == 0
    assert await stream(platform, card_id, "b", 0) == 99992402
    assert await stream(platform, card_id, "b", 6, element="nothing") == 300313
    assert await stream(platform, card_id, "", 6) == 99992402


async def test_streaming_ends_with_its_setting(platform: Platform) -> None:
    card_id = (await create(platform))["data"]["card_id"]
    off = {"settings": json.dumps({"config": {"streaming_mode": False}}), "sequence": 1}
    answer = await platform.api("PATCH", f"cardkit/v1/cards/{card_id}/settings", json=off)
    assert answer.json()["code"] == 0
    assert await stream(platform, card_id, "late", 2) == 300309


async def test_whole_card_is_replaced(platform: Platform) -> None:
    card_id = (await create(platform))["data"]["card_id"]
    await send(platform, card_id)
    done = card({"tag": "markdown", "content": "Done"})
    body = {"card": {"type": "card_json", "data": json.dumps(done)}, "sequence": 1}
    assert (await platform.api("PUT", f"cardkit/v1/cards/{card_id}", json=body)).json()["code"] == 0
    assert await shown(platform) == done


async def test_entity_is_sent_once_and_by_its_own_app(platform: Platform) -> None:
    card_id = (await create(platform))["data"]["card_id"]
    assert (await send(platform, card_id))["code"] == 0
    assert (await send(platform, card_id))["code"] == 230099
    foreign = await create(platform, token=await platform.tenant_token(OTHER_APP_ID))
    assert (await send(platform, foreign["data"]["card_id"]))["code"] == 230099
    assert "11310" in (await send(platform, "1"))["msg"]


async def test_card_that_was_sent_as_json_becomes_an_entity(platform: Platform) -> None:
    sent = (await platform.send(json.dumps(STREAM), msg_type="interactive")).json()["data"]["message_id"]
    wish = {"message_id": sent}
    first = (await platform.api("POST", "cardkit/v1/cards/id_convert", json=wish)).json()["data"]["card_id"]
    assert (await platform.api("POST", "cardkit/v1/cards/id_convert", json=wish)).json()["data"][
        "card_id"
    ] == first
    assert await stream(platform, first, "now", 1) == 0
    assert (await shown(platform))["body"]["elements"][0]["content"] == "now"


async def test_cards_that_make_no_sense_are_refused(platform: Platform) -> None:
    assert (await create(platform, {"schema": "2.0", "colour": 1}))["code"] == 200621
    assert (await create(platform, {"elements": []}))["code"] == 200621
    body = {"type": "template", "data": "{}"}
    assert (await platform.api("POST", "cardkit/v1/cards", json=body)).json()["code"] == 99992402
    assert await stream(platform, "1", "x", 1) == 300301
