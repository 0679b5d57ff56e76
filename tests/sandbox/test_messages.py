"""Messages: send, reply, update, get, list, recall; and what people see of them."""

import json
import time
from collections.abc import Callable

import pytest

from sandbox.config import PersonConfig, SandboxConfig
from sandbox.world import ids
from tests.sandbox.cards import CARD_WITH_BUTTON, card
from tests.sandbox.conftest import OTHER_APP_ID, Platform, app_config


async def send_card(platform: Platform, sent: dict | None = None) -> str:
    answer = await platform.send(json.dumps(sent or CARD_WITH_BUTTON), msg_type="interactive")
    assert answer.json()["code"] == 0, answer.text
    return answer.json()["data"]["message_id"]


async def patch(platform: Platform, message_id: str, sent: dict, **options):
    return await platform.api(
        "PATCH", f"im/v1/messages/{message_id}", json={"content": json.dumps(sent)}, **options
    )


async def test_sent_message_has_the_documented_shape(platform: Platform) -> None:
    data = (await platform.send('{"text": "hi"}')).json()["data"]
    assert data["message_id"].startswith("om_")
    assert data["chat_id"] == ids.p2p_chat_id(platform.app_id, "lilei")
    assert len(data["create_time"]) == 13
    assert isinstance(data["create_time"], str)
    assert data["sender"] == {
        "id": platform.app_id,
        "id_type": "app_id",
        "sender_type": "app",
        "tenant_key": "1a2b3c4d5e6f7081",
    }
    assert {"root_id", "parent_id", "thread_id", "mentions"} & set(data) == set()


async def test_same_uuid_sends_once(platform: Platform) -> None:
    first = (await platform.send('{"text": "hi"}', uuid="u-1")).json()["data"]["message_id"]
    again = (await platform.send('{"text": "ho"}', uuid="u-1")).json()["data"]["message_id"]
    other = (await platform.send('{"text": "hi"}', uuid="u-2")).json()["data"]["message_id"]
    assert first == again != other
    assert (await platform.send('{"text": "hi"}', uuid="u" * 51)).json()["code"] == 99992402


@pytest.mark.parametrize(
    ("content", "msg_type", "code"),
    [
        ("no json", "text", 230001),
        ('{"words": "hi"}', "text", 230001),
        ('{"text": "hi"}', "letter", 230001),
        (json.dumps({"text": "x" * 151 * 1024}), "text", 230025),
        (json.dumps(card({"tag": "markdown", "content": "x" * 31 * 1024})), "interactive", 230025),
        ("{", "interactive", 230099),
        (json.dumps(card({"tag": "action", "actions": []})), "interactive", 230099),
    ],
)
async def test_content_that_is_wrong_is_refused(
    platform: Platform, content: str, msg_type: str, code: int
) -> None:
    answer = await platform.send(content, msg_type=msg_type)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_unsupported_tag_is_named_inside_the_message(platform: Platform) -> None:
    answer = await platform.send(json.dumps(card({"tag": "note", "elements": []})), msg_type="interactive")
    assert "ext=ErrCode: 200861; ErrMsg: " in answer.json()["msg"]
    assert "unsupported tag note" in answer.json()["msg"]


@pytest.mark.parametrize(
    ("id_type", "receive_id", "code"),
    [
        ("open_id", "ou_nobody", 99992351),
        ("open_id", ids.open_id(OTHER_APP_ID, "lilei"), 99992361),
        ("union_id", "on_nobody", 99992381),
        ("user_id", "nobody", 99992360),
        ("email", "nobody@example.test", 230034),
        ("chat_id", "oc_nothing", 230034),
        ("phone", "1", 99992402),
        ("union_id", ids.union_id("lilei"), 0),
        ("user_id", "lilei", 0),
        ("email", "lilei@example.test", 0),
        ("email", "LiLei@example.test", 0),
    ],
)
async def test_recipient_is_looked_up_by_its_kind(
    platform: Platform, id_type: str, receive_id: str, code: int
) -> None:
    body = {"receive_id": receive_id, "msg_type": "text", "content": '{"text": "hi"}'}
    answer = await platform.api("POST", "im/v1/messages", params={"receive_id_type": id_type}, json=body)
    assert answer.json()["code"] == code


async def test_people_who_cannot_be_written_to(platform: Platform) -> None:
    for person, changes, code in [
        ("gone", {"status": "resigned"}, 230029),
        ("foreign", {"tenant_key": "ffffffffffffffff"}, 230038),
    ]:
        await platform.control("POST", "people", {"id": person, "name": person, **changes})
        assert (await platform.send('{"text": "hi"}', person=person)).json()["code"] == code
    await platform.put_app(available_to=["wangfang"])
    assert (await platform.send('{"text": "hi"}')).json()["code"] == 230013
    assert (await platform.send('{"text": "hi"}', person="wangfang")).json()["code"] == 0
    await platform.put_app(bot_enabled=False)
    assert (await platform.send('{"text": "hi"}', person="wangfang")).json()["code"] == 230006


async def test_reply_knows_its_parent_and_opens_a_thread_when_asked(platform: Platform) -> None:
    said = await platform.control(
        "POST", "say", {"person": "lilei", "app_id": platform.app_id, "text": "hello"}
    )
    path = f"im/v1/messages/{said['message_id']}/reply"
    body = {"msg_type": "text", "content": '{"text": "yes?"}'}
    plain = (await platform.api("POST", path, json=body)).json()["data"]
    assert (plain["parent_id"], plain["root_id"]) == (said["message_id"],) * 2
    assert "thread_id" not in plain
    threaded = (await platform.api("POST", path, json={**body, "reply_in_thread": True})).json()["data"]
    assert threaded["thread_id"].startswith("omt_")
    query = {"container_id_type": "thread", "container_id": threaded["thread_id"]}
    found = (await platform.api("GET", "im/v1/messages", params=query)).json()["data"]["items"]
    assert [item["message_id"] for item in found] == [said["message_id"], threaded["message_id"]]


async def test_patch_replaces_the_card_for_everybody(platform: Platform) -> None:
    message_id = await send_card(platform)
    done = card({"tag": "markdown", "content": "Done"})
    assert (await patch(platform, message_id, done)).json() == {"code": 0, "data": {}, "msg": "ok"}
    shown = await platform.control("GET", "messages", person="lilei", app_id=platform.app_id)
    assert json.loads(shown["messages"][0]["content"]) == done
    assert shown["messages"][0]["updated"] is True


async def test_patch_needs_update_multi_before_and_after(platform: Platform) -> None:
    silent = {"schema": "2.0", "body": {"elements": []}}
    assert (await patch(platform, await send_card(platform), silent)).json()["code"] == 230001
    assert (await patch(platform, await send_card(platform, silent), CARD_WITH_BUTTON)).json()[
        "code"
    ] == 230001


async def test_patch_of_a_new_card_to_an_old_schema_is_refused(platform: Platform) -> None:
    old = {"config": {"update_multi": True}, "elements": []}
    answer = (await patch(platform, await send_card(platform), old)).json()
    assert answer["code"] == 230099
    assert "200830" in answer["msg"]


async def test_patch_of_a_text_of_a_recalled_card_and_of_anothers_card_is_refused(platform: Platform) -> None:
    text = (await platform.send('{"text": "hi"}')).json()["data"]["message_id"]
    assert (await patch(platform, text, CARD_WITH_BUTTON)).json()["code"] == 230001
    message_id = await send_card(platform)
    others = await platform.tenant_token(OTHER_APP_ID)
    assert (await patch(platform, message_id, CARD_WITH_BUTTON, token=others)).json()["code"] == 230002
    assert (await platform.api("DELETE", f"im/v1/messages/{message_id}")).json()["code"] == 0
    assert (await patch(platform, message_id, CARD_WITH_BUTTON)).json()["code"] == 230011
    assert (await patch(platform, "om_nothing", CARD_WITH_BUTTON)).json()["code"] == 99992354


async def test_get_returns_words_unless_the_card_itself_is_wanted(platform: Platform) -> None:
    path = f"im/v1/messages/{await send_card(platform)}"
    [item] = (await platform.api("GET", path)).json()["data"]["items"]
    assert json.loads(item["body"]["content"]) == {
        "title": None,
        "elements": [[{"tag": "text", "text": "Now?"}], [{"tag": "button", "text": "later"}]],
    }
    query = {"card_msg_content_type": "user_card_content"}
    [item] = (await platform.api("GET", path, params=query)).json()["data"]["items"]
    assert json.loads(item["body"]["content"]) == CARD_WITH_BUTTON


async def test_list_is_paged_and_sorted(platform: Platform) -> None:
    sent = [
        (await platform.send(json.dumps({"text": str(n)}))).json()["data"]["message_id"] for n in range(3)
    ]
    query = {
        "container_id_type": "chat",
        "container_id": ids.p2p_chat_id(platform.app_id, "lilei"),
        "sort_type": "ByCreateTimeDesc",
        "page_size": "2",
    }
    first = (await platform.api("GET", "im/v1/messages", params=query)).json()["data"]
    assert [item["message_id"] for item in first["items"]] == [sent[2], sent[1]]
    query["page_token"] = first["page_token"]
    second = (await platform.api("GET", "im/v1/messages", params=query)).json()["data"]
    assert [item["message_id"] for item in second["items"]] == [sent[0]]
    assert (second["has_more"], second["page_token"]) == (False, "")
    query["page_size"] = "51"
    assert (await platform.api("GET", "im/v1/messages", params=query)).json()["code"] == 99992402


async def test_another_app_sees_no_message_of_the_chat(platform: Platform) -> None:
    message_id = await send_card(platform)
    token = await platform.tenant_token(OTHER_APP_ID)
    answer = await platform.api("GET", f"im/v1/messages/{message_id}", token=token)
    assert answer.json()["code"] == 230002


async def test_group_message_is_heard_by_the_bot_that_is_mentioned(platform: Platform) -> None:
    group = {"name": "Team", "people": ["lilei"], "apps": [platform.app_id]}
    chat_id = (await platform.control("POST", "groups", group))["chat_id"]
    said = {"person": "lilei", "chat_id": chat_id, "text": "hello"}
    assert (await platform.control("POST", "say", said))["event_ids"] == {}
    heard = await platform.control("POST", "say", {**said, "mention": [platform.app_id]})
    assert list(heard["event_ids"]) == [platform.app_id]
    stranger = {**said, "person": "wangfang"}
    await platform.control("POST", "say", stranger, status=404)
    types = [event["event_type"] for event in (await platform.books())["events"]]
    assert types == ["im.chat.member.bot.added_v1", "im.message.receive_v1"]


async def test_opening_a_chat_raises_its_events(platform: Platform) -> None:
    for _ in range(2):
        await platform.control("POST", "enter", {"person": "lilei", "app_id": platform.app_id})
    entered = "im.chat.access_event.bot_p2p_chat_entered_v1"
    types = [event["event_type"] for event in (await platform.books())["events"]]
    assert types == ["p2p_chat_create", entered, entered]


async def test_unsubscribed_events_and_scopes_that_are_missing_keep_events_away(platform: Platform) -> None:
    said = {"person": "lilei", "app_id": platform.app_id, "text": "hello"}
    await platform.put_app(events=[])
    assert (await platform.control("POST", "say", said))["event_ids"] == {platform.app_id: None}
    await platform.put_app(events=None, scopes=["im:message:send_as_bot"])
    assert (await platform.control("POST", "say", said))["event_ids"] == {}


class TestLimits:
    @pytest.fixture
    def config(self) -> SandboxConfig:
        return SandboxConfig(apps=[app_config()], people=[PersonConfig(id="lilei", name="李雷")])

    @pytest.fixture
    def clock(self) -> Callable[[], float]:
        """All that a test calls comes within one second, however long it takes."""
        now = time.time()
        return lambda: now

    async def test_sixth_message_within_a_second_is_too_much_for_one_person(self, platform: Platform) -> None:
        codes = [(await platform.send('{"text": "hi"}')).json()["code"] for _ in range(6)]
        assert codes == [0, 0, 0, 0, 0, 230020]

    async def test_sixth_update_within_a_second_is_too_much_for_one_card(self, platform: Platform) -> None:
        message_id = await send_card(platform)
        codes = [(await patch(platform, message_id, CARD_WITH_BUTTON)).json()["code"] for _ in range(6)]
        assert codes == [0, 0, 0, 0, 0, 230020]

    async def test_too_many_calls_are_told_when_to_come_back(self, platform: Platform) -> None:
        token = await platform.tenant_token()
        answers = [await platform.api("GET", "bot/v3/info", token=token) for _ in range(51)]
        assert [answer.status_code for answer in answers] == [200] * 50 + [429]
        last = answers[-1]
        assert last.json()["code"] == 99991400
        assert (last.headers["x-ogw-ratelimit-limit"], last.headers["x-ogw-ratelimit-reset"]) == ("50", "1")


class TestMentions:
    async def test_tag_becomes_a_key_and_a_mention(self, platform: Platform) -> None:
        text = f'<at user_id="{platform.open_id()}">Tom</at> and <at user_id="all"></at> <at user_id="ou_x">?</at>'
        data = (await platform.send(json.dumps({"text": text}))).json()["data"]
        content = json.loads(data["body"]["content"])["text"]
        assert content == '@_user_1 and @_all <at user_id="ou_x">?</at>'
        assert data["mentions"] == [
            {
                "key": "@_user_1",
                "id": platform.open_id(),
                "id_type": "open_id",
                "name": "李雷",
                "tenant_key": "1a2b3c4d5e6f7081",
            }
        ]

    async def test_event_keeps_the_three_ids_and_rest_has_one(self, platform: Platform) -> None:
        app_id = platform.app_id
        group = await platform.control("POST", "groups", {"name": "G", "people": ["lilei"], "apps": [app_id]})
        wish = {"person": "lilei", "chat_id": group["chat_id"], "text": "hi", "mention": [app_id]}
        said = await platform.control("POST", "say", wish)
        pushed = (await platform.control("GET", "calls"))["calls"]
        event = next(call for call in pushed if call["path"] == "im.message.receive_v1")["request"]["event"]
        assert event["message"]["mentions"][0]["id"]["open_id"] == ids.bot_open_id(app_id)
        got = (await platform.api("GET", f"im/v1/messages/{said['message_id']}")).json()["data"]["items"][0]
        assert (got["mentions"][0]["id"], got["mentions"][0]["id_type"]) == (
            ids.bot_open_id(app_id),
            "open_id",
        )


async def test_message_is_forwarded_as_it_is_once_for_a_uuid(platform: Platform) -> None:
    message_id = (await platform.send('{"text": "for you"}')).json()["data"]["message_id"]
    path, to = f"im/v1/messages/{message_id}/forward", {"receive_id": platform.open_id("wangfang")}
    query = {"receive_id_type": "open_id", "uuid": "once"}
    first = (await platform.api("POST", path, params=query, json=to)).json()["data"]
    assert (first["body"]["content"], first["msg_type"]) == ('{"text": "for you"}', "text")
    assert first["message_id"] != message_id
    assert (await platform.api("POST", path, params=query, json=to)).json()["data"] == first
    shown = await platform.control("GET", "messages", person="wangfang", app_id=platform.app_id)
    assert [message["message_id"] for message in shown["messages"]] == [first["message_id"]]
    await platform.api("DELETE", f"im/v1/messages/{message_id}")
    assert (await platform.api("POST", path, params=query, json=to)).json()["code"] == 230011
    assert (await platform.api("POST", path, params=query, json={})).json()["code"] == 230011


async def test_merged_forward_says_that_it_is_one_and_shows_what_is_in_it_when_asked(
    served: Platform, connect
) -> None:
    line = await connect()
    said = [
        await served.control("POST", "say", {"person": "lilei", "app_id": served.app_id, "text": text})
        for text in ("one", "two")
    ]
    inside = [message["message_id"] for message in said]
    forward = {"person": "lilei", "app_id": served.app_id, "message_ids": inside}
    sent = await served.control("POST", "merge_forward", forward)
    await line.until(lambda line: len(line.events()) == 3)
    message = line.events()[-1]["event"]["message"]
    assert (message["message_type"], message["content"]) == ("merge_forward", "Merged and Forwarded Message")
    answer = await served.api("GET", f"im/v1/messages/{sent['message_id']}")
    whole, *found = answer.json()["data"]["items"]
    assert (whole["message_id"], whole["msg_type"]) == (sent["message_id"], "merge_forward")
    assert [(one["message_id"], one["upper_message_id"]) for one in found] == [
        (message_id, sent["message_id"]) for message_id in inside
    ]
    stranger = {"person": "hanmeimei", "app_id": served.app_id, "message_ids": inside}
    await served.control("POST", "merge_forward", stranger, status=400)
