"""Commands that people write by editing a message."""

import json

import httpx2
import pytest

from auth_sessions import handlers
from auth_sessions.models import Answered, AuthSession
from feishu.errors import APIError, FeishuError
from tests.auth_sessions.arriving import arrived, write
from tests.factories import make_bot, message_event

pytestmark = pytest.mark.django_db


def edited_event(message_id="om_edited", open_id="ou_asked", **message):
    payload = message_event()
    payload["header"]["event_type"] = "im.message.updated_v1"
    payload["event"] = {
        "message": {"message_id": message_id, "chat_id": "oc_1", "chat_type": "p2p"} | message,
        "operator_id": {"open_id": open_id},
    }
    return payload


@pytest.fixture
def now_says(platform):
    """What a message says now, when the platform is asked."""
    route = platform.router.get(url__regex=r".*/open-apis/im/v1/messages/om_\w+$")

    def say(words, **values):
        item = {
            "message_id": "om_edited",
            "msg_type": "text",
            "body": {"content": json.dumps({"text": words})},
            "sender": {"id": "ou_asked", "id_type": "open_id", "sender_type": "user", "tenant_key": "tenant"},
        } | values
        route.respond(json={"code": 0, "msg": "ok", "data": {"items": [item]}})
        return route

    return say


def edit(bot, **values):
    event = arrived(bot, edited_event(**values))
    handlers.answer_edited_command(event, bot)
    return event


def test_command_put_right_by_editing_works_and_only_once(bot, platform, now_says):
    write(bot, text="/auht", message_id="om_edited")
    route = now_says("/auth")
    edit(bot)
    assert AuthSession.objects.get().open_id == "ou_asked"
    edit(bot)
    assert (AuthSession.objects.count(), route.call_count) == (1, 1)
    assert platform.reply.call_count == 1


@pytest.mark.parametrize("words", ["/auth", "/auth please", "/status"])
def test_edited_command_that_was_run_before_is_not_run_again(bot, now_says, words):
    write(bot, text="/auth", message_id="om_edited")
    route = now_says(words)
    edit(bot)
    assert (AuthSession.objects.count(), route.called) == (1, False)


def test_edited_command_that_arrives_before_its_message_is_run_once(bot, now_says):
    now_says("/auth")
    edit(bot)
    write(bot, text="/auth", message_id="om_edited")
    assert AuthSession.objects.count() == 1
    assert Answered.objects.count() == 1


def test_edited_command_that_failed_is_attempted_again(bot, platform, now_says):
    now_says("/help")
    platform.reply.mock(side_effect=httpx2.ConnectError)
    event = arrived(bot, edited_event())
    with pytest.raises(FeishuError):
        handlers.answer_edited_command(event, bot)
    platform.reply.mock(
        side_effect=None, return_value=httpx2.Response(200, json={"code": 0, "data": {"message_id": "om_1"}})
    )
    handlers.answer_edited_command(event, bot)
    assert platform.reply.call_count == 2


@pytest.mark.parametrize(("mentioned", "answered"), [("ou_bot", True), ("ou_other", False)])
def test_edited_command_in_a_group_has_to_mention_the_bot(bot, platform, now_says, mentioned, answered):
    now_says("@_user_1 /help", mentions=[{"key": "@_user_1", "id": mentioned, "id_type": "open_id"}])
    edit(bot, chat_type="group")
    assert platform.reply.called == answered


@pytest.mark.parametrize(
    "values",
    [
        {"deleted": True},
        {"sender": {"id": "ou_other", "id_type": "open_id", "sender_type": "user"}},
        {"sender": {"id": "cli_1", "id_type": "app_id", "sender_type": "app"}},
        {"body": None},
    ],
)
def test_edited_message_that_is_not_the_persons_is_left_alone(bot, platform, now_says, values):
    now_says("/auth", **values)
    edit(bot)
    assert not AuthSession.objects.exists()
    assert not platform.reply.called


def test_edited_message_out_of_reach_is_left_alone(bot, platform):
    platform.router.get(url__regex=r".*/messages/om_\w+$").respond(
        400, json={"code": 230002, "msg": "not in chat"}
    )
    edit(bot)
    assert not platform.reply.called


def test_edited_message_is_read_again_after_a_rate_limit(bot, platform):
    platform.router.get(url__regex=r".*/messages/om_\w+$").respond(
        429, json={"code": 99991400, "msg": "slow"}
    )
    with pytest.raises(APIError):
        edit(bot)


@pytest.mark.parametrize("event", [{}, {"message": [], "operator_id": "x"}])
def test_edit_without_its_parts_is_left_alone(bot, event):
    payload = edited_event() | {"event": event}
    handlers.answer_edited_command(arrived(bot, payload), bot)
    assert not AuthSession.objects.exists()


def test_same_message_id_of_another_bot_is_another_message(bot, now_says):
    other = make_bot()
    now_says("/auth")
    edit(bot)
    edit(other)
    assert AuthSession.objects.count() == 2
