"""Groups, their members, reactions, edits, and the custom bot of a group."""

import time

from sandbox.platform.custom_bots import signature
from sandbox.world import ids
from tests.sandbox.conftest import OTHER_APP_ID, Platform
from tests.sandbox.test_user_identity import user_token


async def new_group(platform: Platform) -> str:
    body = {"name": "项目群", "user_id_list": [platform.open_id(), platform.open_id("wangfang")]}
    return (await platform.api("POST", "im/v1/chats", json=body)).json()["data"]["chat_id"]


class TestChats:
    async def test_created_group_is_listed_described_and_written_to(self, platform: Platform) -> None:
        chat_id = await new_group(platform)
        listed = (await platform.api("GET", "im/v1/chats")).json()["data"]
        assert [(chat["chat_id"], chat["name"]) for chat in listed["items"]] == [(chat_id, "项目群")]
        assert (listed["has_more"], listed["page_token"]) == (False, "")
        about = (await platform.api("GET", f"im/v1/chats/{chat_id}")).json()["data"]
        assert (about["chat_mode"], about["user_count"], about["bot_count"]) == ("group", "2", "1")
        assert about["owner_id"] == platform.open_id()
        found = await platform.api("GET", "im/v1/chats/search", params={"query": "项目"})
        assert found.json()["data"]["items"][0]["chat_id"] == chat_id
        body = {"receive_id": chat_id, "msg_type": "text", "content": '{"text": "hi"}'}
        sent = await platform.api("POST", "im/v1/messages", params={"receive_id_type": "chat_id"}, json=body)
        assert sent.json()["code"] == 0

    async def test_members_are_people_and_a_bot_added_hears_of_it(self, platform: Platform) -> None:
        chat_id = await new_group(platform)
        path = f"im/v1/chats/{chat_id}/members"
        add = {"id_list": [platform.open_id("hanmeimei")]}
        assert (await platform.api("POST", path, json=add)).json()["code"] == 0
        members = (await platform.api("GET", path, params={"page_size": 2})).json()["data"]
        assert ([m["name"] for m in members["items"]], members["has_more"]) == (["李雷", "王芳"], True)
        query = {"page_size": 2, "page_token": members["page_token"]}
        rest = (await platform.api("GET", path, params=query)).json()["data"]
        assert ([m["name"] for m in rest["items"]], rest["member_total"]) == (["韩梅梅"], 3)
        bots = {"id_list": [OTHER_APP_ID]}
        await platform.api("POST", path, params={"member_id_type": "app_id"}, json=bots)
        events = (await platform.control("GET", "books", app_id=OTHER_APP_ID))["events"]
        assert [event["event_type"] for event in events] == ["im.chat.member.bot.added_v1"]
        assert (await platform.api("GET", f"{path}/is_in_chat")).json()["data"] == {"is_in_chat": True}

    async def test_stranger_does_not_see_members(self, platform: Platform) -> None:
        chat_id, foreign = await new_group(platform), await platform.tenant_token(OTHER_APP_ID)
        answer = await platform.api("GET", f"im/v1/chats/{chat_id}/members", token=foreign)
        assert answer.json()["code"] == 232011
        assert (await platform.api("GET", "im/v1/chats", token=foreign)).json()["data"]["items"] == []
        assert (await platform.api("GET", "im/v1/chats/oc_x")).json()["code"] == 232006


class TestEdits:
    async def test_text_is_edited_by_its_sender_up_to_twenty_times(self, platform: Platform) -> None:
        message_id = (await platform.send('{"text": "one"}')).json()["data"]["message_id"]
        path, body = f"im/v1/messages/{message_id}", {"msg_type": "text", "content": '{"text": "two"}'}
        data = (await platform.api("PUT", path, json=body)).json()["data"]
        assert (data["updated"], data["body"]["content"]) == (True, '{"text": "two"}')
        codes = [(await platform.api("PUT", path, json=body)).json()["code"] for _ in range(20)]
        assert (codes[-2:], len(codes)) == ([0, 230072], 20)

    async def test_cards_and_messages_of_others_are_not_edited(self, platform: Platform) -> None:
        said = await platform.control(
            "POST", "say", {"person": "lilei", "app_id": platform.app_id, "text": "hello"}
        )
        body = {"msg_type": "text", "content": '{"text": "two"}'}
        answer = await platform.api("PUT", f"im/v1/messages/{said['message_id']}", json=body)
        assert answer.json()["code"] == 230071
        card = (await platform.send('{"elements": []}', msg_type="interactive")).json()["data"]["message_id"]
        assert (await platform.api("PUT", f"im/v1/messages/{card}", json=body)).json()["code"] == 230001


class TestReactions:
    async def test_reaction_is_added_once_listed_and_removed_by_its_owner(self, platform: Platform) -> None:
        message_id = (await platform.send('{"text": "hi"}')).json()["data"]["message_id"]
        path, body = f"im/v1/messages/{message_id}/reactions", {"reaction_type": {"emoji_type": "SMILE"}}
        first = (await platform.api("POST", path, json=body)).json()["data"]
        assert (await platform.api("POST", path, json=body)).json()["data"] == first
        token = await user_token(platform)
        theirs = (await platform.api("POST", path, token=token, json=body)).json()["data"]
        assert theirs["operator"] == {"operator_id": platform.open_id(), "operator_type": "user"}
        items = (await platform.api("GET", path)).json()["data"]["items"]
        assert items == [first, theirs]
        assert (await platform.api("DELETE", f"{path}/{theirs['reaction_id']}")).json()["code"] == 231007
        assert (await platform.api("DELETE", f"{path}/{first['reaction_id']}")).json()["code"] == 0
        events = [event["event_type"] for event in (await platform.books())["events"]]
        assert events == ["im.message.reaction.created_v1"] * 2 + ["im.message.reaction.deleted_v1"]
        assert (await platform.api("POST", path, json={})).json()["code"] == 231001


class TestCustomBots:
    async def test_alert_arrives_in_the_group(self, platform: Platform) -> None:
        hook = await platform.control("POST", "hooks", {"name": "告警"})
        for path in (hook["path"], hook["path"] + "/"):
            body = {"msg_type": "text", "content": {"text": "disk full"}}
            answer = await platform.http.post(path, json=body)
            assert answer.json() == {
                "StatusCode": 0,
                "StatusMessage": "success",
                "code": 0,
                "data": {},
                "msg": "success",
            }
        shown = (await platform.control("GET", "messages", chat_id=hook["chat_id"]))["messages"]
        assert [message["content"] for message in shown] == ['{"text": "disk full"}'] * 2

    async def test_signature_and_keywords_are_checked(self, platform: Platform) -> None:
        hook = await platform.control("POST", "hooks", {"secret": "s3", "keywords": ["告警"]})
        now, old = str(int(time.time())), str(int(time.time()) - 3700)
        body = {"msg_type": "text", "content": {"text": "告警"}}
        for extra, code in [
            ({}, 19021),
            ({"timestamp": now, "sign": "wrong"}, 19021),
            ({"timestamp": old, "sign": signature("s3", old)}, 19021),
            ({"timestamp": now, "sign": signature("s3", now)}, 0),
            ({"timestamp": int(now), "sign": signature("s3", now)}, 0),
            ({"timestamp": now, "sign": signature("s3", now), "content": {"text": "x"}}, 19024),
        ]:
            answer = await platform.http.post(hook["path"], json=body | extra)
            assert (answer.status_code, answer.json()["code"]) == (200, code)

    async def test_unknown_token_and_bad_bodies_are_refused(self, platform: Platform) -> None:
        unknown = await platform.http.post("/open-apis/bot/v2/hook/x", json={})
        assert unknown.json()["code"] == 19001
        hook = await platform.control("POST", "hooks", {})
        for body, code in [
            ({}, 19002),
            ({"msg_type": "interactive"}, 19002),
            ({"msg_type": "interactive", "card": {"schema": "9"}}, 11246),
            ({"msg_type": "text", "content": {"text": "x" * 21_000}}, 9499),
        ]:
            assert (await platform.http.post(hook["path"], json=body)).json()["code"] == code

    def test_signature_is_that_of_the_documentation(self) -> None:
        assert signature("demo", "1599360473") == "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="


class TestContacts:
    async def test_several_people_at_once(self, platform: Platform) -> None:
        query = {"user_ids": [platform.open_id(), platform.open_id("wangfang")], "user_id_type": "open_id"}
        found = (await platform.api("GET", "contact/v3/users/batch", params=query)).json()["data"]["items"]
        assert [person["name"] for person in found] == ["李雷", "王芳"]
        assert (await platform.api("GET", "contact/v3/users/batch")).json()["code"] == 40001

    async def test_ids_are_found_by_email(self, platform: Platform) -> None:
        body = {"emails": [ids.email("lilei"), "nobody@example.test"], "mobiles": ["+8613"]}
        answer = await platform.api("POST", "contact/v3/users/batch_get_id", json=body)
        assert answer.json()["data"]["user_list"] == [
            {"email": "lilei@example.test", "user_id": platform.open_id()},
            {"email": "nobody@example.test"},
            {"mobile": "+8613"},
        ]


async def test_outbound_addresses_and_scopes_are_told(platform: Platform) -> None:
    assert (await platform.api("GET", "event/v1/outbound_ip")).json()["data"]["ip_list"] == ["127.0.0.1"]
    scopes = (await platform.api("GET", "application/v6/scopes")).json()["data"]["scopes"]
    assert {"scope_name": "im:message", "grant_status": 1, "scope_type": "tenant"} in scopes
