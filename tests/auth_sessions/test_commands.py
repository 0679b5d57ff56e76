import json

import httpx2
import pytest
from django.db import connection
from django.utils import timezone

from auth_sessions import handlers
from auth_sessions.commands import HELP, NOT_UNDERSTOOD, ONLY_COMMANDS
from auth_sessions.enums import TokenStatus
from auth_sessions.models import Answered, AuthSession, UserToken
from bots.enums import GroupPolicy
from bots.groups.service import set_group_policies
from bots.models import Bot
from core.access.actors import SYSTEM
from events.enums import RunStatus
from events.models import HandlerRun
from feishu.errors import FeishuError
from tests.auth_sessions.arriving import arrived, write
from tests.factories import make_grant, message_event

pytestmark = pytest.mark.django_db


def said(route) -> str:
    return json.loads(route.calls.last.request.content)["content"]


def post(*paragraphs, **values):
    content = {"title": "", "content": [list(paragraph) for paragraph in paragraphs]}
    return {"message_type": "post", "content": json.dumps(content)} | values


def text(words):
    return {"tag": "text", "text": words, "style": []}


def mentions(*open_ids):
    return [{"key": f"@_user_{n}", "id": {"open_id": one}} for n, one in enumerate(open_ids, 1)]


# --- as people type and paste them


def test_rich_text_is_a_command(bot):
    write(bot, **post([text("/auth")]))
    assert AuthSession.objects.get().open_id == "ou_asked"


def test_rich_text_whose_command_comes_later_is_none(bot, platform):
    write(bot, **post([text("please read")], [text("/auth")]))
    assert not AuthSession.objects.exists()
    assert not platform.reply.called


@pytest.mark.parametrize(
    "content",
    [
        post([text("/auth")], [{"tag": "img", "image_key": "img_1"}]),
        post([text("/auth")], [text("a long text about commands " * 20)]),
    ],
)
def test_rich_text_that_only_begins_like_a_command_is_answered_with_help(bot, platform, content):
    write(bot, **content)
    assert not AuthSession.objects.exists()
    assert HELP.zh_cn in said(platform.reply)


@pytest.mark.parametrize(
    "words",
    ["／auth", "、auth", "/、auth", "\u200b/auth", "/auth，", "／授权", "／授權", "/ auth", "/ＡＵＴＨ"],
)
def test_commands_of_chinese_keyboards_work(bot, words):
    write(bot, text=words)
    assert AuthSession.objects.count() == 1


@pytest.mark.parametrize("words", ["/auht", "/authorize", "/授权我", "/", "/something"])
def test_unknown_command_in_a_direct_chat_is_answered_with_help(bot, platform, words):
    write(bot, text=words)
    assert NOT_UNDERSTOOD.zh_cn in said(platform.reply)
    assert HELP.en_us in said(platform.reply)


def test_unknown_command_in_a_group_is_left_alone(bot, platform):
    write(bot, text="@_user_1 /something", chat_type="group", mentions=mentions("ou_bot"))
    assert not platform.reply.called


def take(event, status=RunStatus.SUCCEEDED):
    """Another handler got the event."""
    HandlerRun.objects.create(event=event, bot=event.bot, handler="shop.handlers.orders", status=status)


@pytest.mark.parametrize(("words", "helped"), [("/orders", False), ("/auht", True)])
def test_command_of_another_system_is_left_to_it(bot, platform, words, helped):
    event = arrived(bot, message_event(text=words))
    take(event)
    handlers.answer_command(event, bot)
    assert platform.reply.called == helped


def test_handler_that_is_switched_off_takes_no_command(bot, platform):
    event = arrived(bot, message_event(text="/orders"))
    take(event, RunStatus.SKIPPED)
    handlers.answer_command(event, bot)
    assert platform.reply.called


def test_picture_in_a_direct_chat_is_answered_once_for_each_person(bot, platform):
    picture = {"message_type": "image", "content": '{"image_key":"img_1"}'}
    for _ in range(3):
        write(bot, **picture)
    assert platform.reply.call_count == 1
    assert ONLY_COMMANDS.en_us in said(platform.reply)
    write(bot, open_id="ou_other", **picture)
    assert platform.reply.call_count == 2


def test_picture_that_another_system_takes_or_in_a_group_is_left_alone(bot, platform):
    picture = {"message_type": "image", "content": '{"image_key":"img_1"}'}
    write(bot, chat_type="group", **picture)
    event = arrived(bot, message_event(**picture))
    take(event)
    handlers.answer_command(event, bot)
    assert not platform.reply.called


KINDS = {
    "audio": '{"file_key": "f", "duration": 1800}',
    "folder": '{"file_key": "f", "file_name": "d"}',
    "general_calendar": '{"summary": "x", "start_time": "1764000000000"}',
    "hongbao": '{"text": "[红包]"}',
    "interactive": '{"title": "", "elements": [[{"tag": "text", "text": "请升级至最新版本客户端"}]]}',
    "location": '{"name": "x", "longitude": "116.4", "latitude": "39.9"}',
    "media": '{"file_key": "v", "image_key": "i", "file_name": "a.mp4"}',
    "merge_forward": "Merged and Forwarded Message",
    "share_chat": '{"chat_id": "oc_shared"}',
    "share_user": '{"user_id": "ou_shared"}',
    "sticker": '{"file_key": "s"}',
    "todo": '{"task_id": "t", "summary": {"content": [[]]}}',
    "video_chat": '{"topic": "x", "start_time": "1764000000000"}',
    "vote": '{"topic": "x", "options": ["a", "b"]}',
    "something_new": "{}",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_message_is_answered_in_a_direct_chat(bot, platform, kind):
    write(bot, message_type=kind, content=KINDS[kind])
    assert ONLY_COMMANDS.zh_cn in said(platform.reply)
    assert not AuthSession.objects.exists()


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("system", '{"template": "{from_user} invited {to_chatters}", "from_user": ["A"]}'),
        ("text", ""),
        ("text", '{"text":null}'),
        ("text", '["/auth"]'),
        ("post", "null"),
        ("", "{}"),
    ],
)
def test_message_that_nobody_wrote_is_not_answered(bot, platform, kind, content):
    write(bot, message_type=kind, content=content)
    assert not platform.reply.called


@pytest.mark.parametrize("sender_type", ["bot", "app"])
def test_messages_of_bots_are_ignored(bot, platform, sender_type):
    payload = message_event(text="/help")
    payload["event"]["sender"]["sender_type"] = sender_type
    handlers.answer_command(arrived(bot, payload), bot)
    assert not platform.reply.called


@pytest.mark.parametrize("event", [{}, {"sender": [], "message": 1}, {"message": {"content": {}}}])
def test_event_without_sender_or_message_is_left_alone(bot, platform, event):
    payload = message_event()
    payload["event"] = event
    handlers.answer_command(arrived(bot, payload), bot)
    assert not platform.reply.called


# --- in groups


def test_command_to_another_bot_is_left_to_it(bot, platform):
    write(bot, text="@_user_1 /help", chat_type="group", mentions=mentions("ou_other_bot"))
    assert not platform.reply.called


@pytest.mark.parametrize("chat_type", ["group", "topic_group", ""])
def test_command_in_a_group_without_a_mention_is_left_alone(bot, platform, chat_type):
    write(bot, text="/help", chat_type=chat_type)
    assert not platform.reply.called
    assert not platform.bot_info.called


def test_command_in_a_group_that_mentions_this_bot_among_others_is_answered(bot, platform):
    write(bot, text="@_user_1 @_user_2 /help", chat_type="group", mentions=mentions("ou_other", "ou_bot"))
    assert platform.reply.called


def test_rich_text_in_a_group_mentions_the_bot_as_an_element(bot, platform):
    at = {"tag": "at", "user_id": "@_user_1", "user_name": "Demo"}
    write(bot, **post([at, text(" /help")], chat_type="group", mentions=mentions("ou_bot")))
    assert platform.reply.called


def test_own_open_id_is_asked_for_once(bot, platform):
    for _ in range(2):
        write(bot, text="@_user_1 /help", chat_type="group", mentions=mentions("ou_bot"))
        bot = Bot.objects.get(pk=bot.pk)
    assert platform.bot_info.call_count == 1
    assert bot.open_id == "ou_bot"


def test_command_is_attempted_again_while_the_own_open_id_cannot_be_had(bot, platform):
    platform.bot_info.respond(502)
    with pytest.raises(FeishuError):
        write(bot, text="@_user_1 /help", chat_type="group", mentions=mentions("ou_bot"))
    assert not Answered.objects.exists()


AT_ALL = [
    {"text": "@_all /help", "mentions": []},
    {"text": "@_all /help", "mentions": [{"key": "@_all", "id": {"open_id": ""}, "name": "所有人"}]},
]


@pytest.mark.parametrize("message", AT_ALL)
@pytest.mark.parametrize("policy", [GroupPolicy.MENTIONED, GroupPolicy.MENTIONED_OR_ALL])
def test_bot_answers_mentions_of_everybody_where_it_is_set_to(bot, platform, message, policy):
    bot.group_policy = policy
    write(bot, chat_type="group", **message)
    assert platform.reply.called == (policy == GroupPolicy.MENTIONED_OR_ALL)


def test_group_with_an_exception_is_answered_as_it_says(bot, platform):
    wanted = {"oc_quiet": GroupPolicy.NEVER, "oc_open": GroupPolicy.EVERY_MESSAGE}
    set_group_policies(bot=bot, wanted=wanted, names={}, actor=SYSTEM)
    for chat_id, text, is_answered in (
        ("oc_quiet", "@_user_1 /help", False),
        ("oc_open", "/help", True),
        ("oc_open", "good morning", False),
        ("oc_other", "/help", False),
    ):
        platform.reply.reset()
        named = mentions("ou_bot") if "@" in text else []
        write(bot, text=text, chat_type="group", chat_id=chat_id, mentions=named)
        assert platform.reply.called == is_answered


def test_bot_that_is_silent_in_groups_answers_in_direct_chats(bot, platform):
    bot.group_policy = GroupPolicy.NEVER
    write(bot, text="/help")
    assert platform.reply.called


# --- from the menu


def menu(bot, key, *, operator="ou_asked", **values):
    payload = message_event()
    payload["header"]["event_type"] = "application.bot.menu_v6"
    payload["event"] = {
        "operator": {"operator_name": "李雷", "operator_id": {"open_id": operator}},
        "event_key": key,
    } | values
    event = arrived(bot, payload)
    handlers.answer_menu(event, bot)
    return event


@pytest.mark.parametrize(
    ("key", "timestamp"), [("/auth", 1764000000), ("auth", "1764000000"), ("授权", None)]
)
def test_menu_entry_does_what_its_command_does(bot, key, timestamp):
    handlers.answer_menu(menu(bot, key, timestamp=timestamp), bot)
    session = AuthSession.objects.get()
    assert (session.open_id, session.tenant_key) == ("ou_asked", "tenant")


def test_menu_entry_is_answered_to_the_person(bot, platform):
    menu(bot, "help", operator="ou_chooser")
    request = json.loads(platform.send.calls.last.request.content)
    assert (request["receive_id"], HELP.zh_cn in request["content"]) == ("ou_chooser", True)
    assert not platform.reply.called


def test_menu_entry_that_cannot_be_served_is_answered_with_the_reason(bot, platform):
    bot.auth_scopes = []
    menu(bot, "auth")
    assert "scopes set for the bot" in said(platform.send)


@pytest.mark.parametrize("key", ["orders", "", None, ["auth"], {"a": 1}])
def test_menu_entry_of_another_system_is_left_to_it(bot, platform, key):
    menu(bot, key)
    assert not platform.send.called
    assert not AuthSession.objects.exists()


def test_menu_event_without_an_operator_is_left_alone(bot):
    menu(bot, "auth", operator="")
    menu(bot, "auth", **{"operator": None})  # noqa: PIE804 -- the name is taken
    assert not AuthSession.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("words", ["/help", "/status", "/revoke", "/nonsense"])
def test_connection_of_the_database_is_not_held_while_the_answer_is_sent(bot, platform, words):
    is_held = []

    def answer(_request):
        is_held.append(connection.connection is not None)
        return httpx2.Response(200, json={"code": 0, "data": {"message_id": "om_answer"}})

    platform.reply.mock(side_effect=answer)
    platform.send.mock(side_effect=answer)
    write(bot, text=words)
    assert is_held == [False]


# --- who has authorized already


def granted(bot: Bot, **values) -> UserToken:
    return make_grant(
        bot, open_id="ou_writer", scopes=["offline_access", "contact:user.base:readonly"], **values
    )


def test_who_has_authorized_already_is_told_until_when_and_may_do_it_again(bot, platform):
    grant = granted(bot)
    write(bot, text="/auth", open_id="ou_writer")
    assert not AuthSession.objects.exists()
    card = said(platform.send)
    assert "你已授权" in card
    assert "You have authorized already" in card
    assert f"{timezone.localtime(grant.reauthorize_by):%Y-%m-%d %H:%M}" in card
    assert "重新授权" in card
    assert "auth.start" in card


@pytest.mark.parametrize(
    "values",
    [
        {"status": TokenStatus.NEEDS_REAUTH, "access_expires_at": timezone.now()},
        {"status": TokenStatus.REVOKED, "access_token": "", "refresh_token": "", "next_refresh_at": None},
        {"refresh_token": "", "access_expires_at": timezone.now()},
    ],
)
def test_who_has_to_authorize_again_is_asked(bot, values):
    granted(bot, **values)
    write(bot, text="/auth", open_id="ou_writer")
    assert AuthSession.objects.get().open_id == "ou_writer"


def test_who_has_not_allowed_all_that_the_bot_asks_for_is_asked(bot):
    granted(bot)
    Bot.objects.update(auth_scopes=["offline_access", "task:task:read"])
    write(Bot.objects.get(), text="/auth", open_id="ou_writer")
    assert AuthSession.objects.count() == 1


def test_authorization_that_nothing_renews_ends_with_its_access_token(bot, platform):
    Bot.objects.update(auth_scopes=["contact:user.base:readonly"])
    grant = granted(Bot.objects.get(), refresh_token="", half_life_at=None, next_refresh_at=None)
    write(Bot.objects.get(), text="/auth", open_id="ou_writer")
    assert f"{timezone.localtime(grant.access_expires_at):%Y-%m-%d %H:%M}" in said(platform.send)
