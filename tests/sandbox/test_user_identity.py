"""Messages with a person's own token, and who hears of them."""

import json

import pytest

from sandbox.world import ids
from tests.sandbox.cards import CARD_WITH_BUTTON
from tests.sandbox.conftest import REDIRECT, Platform


async def user_token(platform: Platform, person: str = "lilei", scope: str = "im:message") -> str:
    url = f"{platform.url}/open-apis/authen/v1/authorize?client_id={platform.app_id}&redirect_uri={REDIRECT}"
    wish = {"url": f"{url}&scope={scope}", "person": person}
    code = (await platform.control("POST", "authorize", wish))["redirect"].rpartition("=")[2]
    body = {
        "grant_type": "authorization_code",
        "client_id": platform.app_id,
        "client_secret": platform.secret,
    }
    return (await platform.http.post("/oauth/v3/token", json={**body, "code": code})).json()["access_token"]


@pytest.fixture
async def token(platform: Platform) -> str:
    return await user_token(platform)


async def send(platform: Platform, token: str, content: dict, *, msg_type: str = "text"):
    body = {"receive_id": platform.open_id("hanmeimei"), "msg_type": msg_type, "content": json.dumps(content)}
    return await platform.api(
        "POST", "im/v1/messages", token=token, params={"receive_id_type": "open_id"}, json=body
    )


async def test_message_with_a_persons_token_is_theirs(platform: Platform, token: str) -> None:
    data = (await send(platform, token, {"text": "hi"})).json()["data"]
    assert data["sender"] == {
        "id": platform.open_id(),
        "id_type": "open_id",
        "sender_type": "user",
        "tenant_key": "1a2b3c4d5e6f7081",
    }
    assert data["chat_id"] not in {
        ids.p2p_chat_id(platform.app_id, person) for person in ("lilei", "hanmeimei")
    }
    path = f"im/v1/messages/{data['message_id']}"
    assert (
        await platform.api(
            "POST", f"{path}/reply", token=token, json={"msg_type": "text", "content": '{"text": "x"}'}
        )
    ).json()["code"] == 0
    assert (await platform.api("DELETE", path)).json()["code"] == 230002
    assert (await platform.api("DELETE", path, token=await user_token(platform, "hanmeimei"))).json()[
        "code"
    ] == 230027
    assert (await platform.api("DELETE", path, token=token)).json()["code"] == 0


async def test_card_of_a_person_is_updated_by_them_and_not_by_the_bot(platform: Platform, token: str) -> None:
    data = (await send(platform, token, CARD_WITH_BUTTON, msg_type="interactive")).json()["data"]
    change = {"content": json.dumps(CARD_WITH_BUTTON)}
    path = f"im/v1/messages/{data['message_id']}"
    assert (await platform.api("PATCH", path, token=token, json=change)).json()["code"] == 0
    sent = (await platform.send(json.dumps(CARD_WITH_BUTTON), msg_type="interactive")).json()["data"]
    answer = await platform.api("PATCH", f"im/v1/messages/{sent['message_id']}", token=token, json=change)
    assert answer.json()["code"] == 230027


async def test_bots_of_the_chat_hear_what_a_person_sends_by_api(platform: Platform, token: str) -> None:
    chat_id = (await platform.send('{"text": "hello"}')).json()["data"]["chat_id"]
    body = {"receive_id": chat_id, "msg_type": "text", "content": '{"text": "by api"}'}
    await platform.api(
        "POST", "im/v1/messages", token=token, params={"receive_id_type": "chat_id"}, json=body
    )
    events = (await platform.books())["events"]
    assert [event["event_type"] for event in events] == ["im.message.receive_v1"]


async def test_scope_for_messages_is_asked_of_the_person(platform: Platform) -> None:
    token = await user_token(platform, scope="auth:user.id:read")
    assert (await send(platform, token, {"text": "hi"})).json()["code"] == 99991679
