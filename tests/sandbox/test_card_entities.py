"""Card entities: created, sent once, streamed into, changed as a whole."""

import json

import pytest
from msgspec.structs import replace

from sandbox.config import SandboxConfig
from tests.sandbox.cards import button, card
from tests.sandbox.conftest import OTHER_APP_ID, Platform

NOW = 1_900_000_000.0
STREAM = card({"tag": "markdown", "element_id": "md", "content": "…"}, streaming_mode=True)


@pytest.fixture
def time_of() -> dict[str, float]:
    """The world's time, to be put forward."""
    return {"now": NOW}


@pytest.fixture
def clock(time_of):
    return lambda: time_of["now"]


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


async def test_sequence_has_to_grow_and_a_uuid_counts_once(platform: Platform) -> None:
    card_id = (await create(platform))["data"]["card_id"]
    assert await stream(platform, card_id, "a", 5, uuid="u") == 0
    assert await stream(platform, card_id, "b", 5) == 300317
    assert await stream(platform, card_id, "b", 6, uuid="u") == 200770
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
    assert (await create(platform, {"elements": []}))["code"] == 300303
    assert (await create(platform, card(update_multi=False)))["code"] == 300302
    twice = {"tag": "markdown", "element_id": "md", "content": "x"}
    assert (await create(platform, card(twice, twice)))["code"] == 300301
    many = [{"tag": "markdown", "content": "x"}] * 201
    assert (await create(platform, card(*many)))["code"] == 300305
    body = {"type": "template", "data": "{}"}
    assert (await platform.api("POST", "cardkit/v1/cards", json=body)).json()["code"] == 99992402
    assert await stream(platform, "1", "x", 1) == 200740


async def change(platform: Platform, card_id: str, sequence: int, **config) -> int:
    body = {"settings": json.dumps({"config": config}), "sequence": sequence}
    return (await platform.api("PATCH", f"cardkit/v1/cards/{card_id}/settings", json=body)).json()["code"]


async def add(platform: Platform, card_id: str, sequence: int, *elements: dict, **where) -> int:
    body = {"type": "append", "elements": json.dumps(elements), "sequence": sequence, **where}
    return (await platform.api("POST", f"cardkit/v1/cards/{card_id}/elements", json=body)).json()["code"]


async def test_streaming_ends_by_itself_after_ten_minutes_and_is_switched_on_again(
    platform: Platform, time_of
) -> None:
    card_id = (await create(platform))["data"]["card_id"]
    time_of["now"] += 599
    assert await stream(platform, card_id, "in time", 1) == 0
    time_of["now"] += 1
    assert await stream(platform, card_id, "late", 2) == 200850
    assert await stream(platform, card_id, "late", 3) == 300309
    assert await change(platform, card_id, 4, streaming_mode=True) == 0
    assert await stream(platform, card_id, "on", 5) == 0
    time_of["now"] += 14 * 86400
    assert await stream(platform, card_id, "too old", 6) == 200750


async def test_card_takes_no_more_than_30_kb_however_it_grows(platform: Platform) -> None:
    assert (await create(platform, card({"tag": "markdown", "content": "x" * 31_000})))["code"] == 200860
    card_id = (await create(platform))["data"]["card_id"]
    assert await stream(platform, card_id, "中" * 10_000, 1) == 0
    assert await stream(platform, card_id, "中" * 10_300, 2) == 200860
    assert await add(platform, card_id, 3, {"tag": "markdown", "content": "x" * 800}) == 200860


async def test_components_are_added_but_no_buttons_while_it_streams(platform: Platform) -> None:
    card_id = (await create(platform))["data"]["card_id"]
    await send(platform, card_id)
    last, first = ({"tag": "markdown", "content": text} for text in ("last", "first"))
    assert await add(platform, card_id, 1, button("stop")) == 300315
    assert await add(platform, card_id, 2, last) == 0
    assert await add(platform, card_id, 3, first, type="insert_before", target_element_id="md") == 0
    assert await add(platform, card_id, 4, first, type="insert_after", target_element_id="no") == 300315
    assert await add(platform, card_id, 5, first, type="beside") == 99992402
    assert [one["content"] for one in (await shown(platform))["body"]["elements"]] == ["first", "…", "last"]
    assert await change(platform, card_id, 6, streaming_mode=False) == 0
    assert await add(platform, card_id, 7, button("again")) == 0


async def test_text_goes_into_text_alone_and_the_card_stays_its_apps(platform: Platform) -> None:
    ruled = card({"tag": "hr", "element_id": "line"}, streaming_mode=True)
    card_id = (await create(platform, ruled))["data"]["card_id"]
    assert await stream(platform, card_id, "x", 1, element="line") == 300310
    assert await change(platform, card_id, 2, update_multi=False) == 300302
    foreign = (await create(platform, token=await platform.tenant_token(OTHER_APP_ID)))["data"]["card_id"]
    assert await stream(platform, foreign, "x", 1) == 300311


class TestPaced:
    @pytest.fixture
    def config(self, config: SandboxConfig) -> SandboxConfig:
        return replace(config, rate_limits=True)

    async def test_card_takes_ten_calls_a_second(self, platform: Platform, time_of) -> None:
        card_id = (await create(platform))["data"]["card_id"]
        codes = [await stream(platform, card_id, f"{number}", number) for number in range(1, 12)]
        assert codes == [0] * 10 + [99991400]
        time_of["now"] += 1
        assert await stream(platform, card_id, "on", 12) == 0
