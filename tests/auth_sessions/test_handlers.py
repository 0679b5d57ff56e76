import json
from datetime import timedelta

import httpx2
import pytest
from django.utils import timezone

from auth_sessions import handlers
from auth_sessions.commands import HELP
from auth_sessions.domain.card_sync import cards_to_sync, sync_card
from auth_sessions.domain.sessions import end_session, request_authorization
from auth_sessions.enums import PlatformReason, SessionState, TokenStatus
from auth_sessions.models import AuthSession, Revocation
from bots.models import Person
from bots.people.directory import remember
from core.access.actors import SYSTEM
from feishu.localized import post_of
from feishu.people import Profile
from tests.auth_sessions.arriving import arrived, write
from tests.factories import click_event, make_bot, make_grant, message_event, revoked_event

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("text", ["/auth", "  /AUTH now", "@_user_1 /auth"])
def test_auth_asks_the_writer(bot, text):
    write(bot, text=text, open_id="ou_writer")
    session = AuthSession.objects.get()
    assert (session.open_id, session.tenant_key, session.requested_by) == (
        "ou_writer",
        "tenant",
        "user:ou_writer",
    )


def test_auth_handled_twice_asks_once(bot):
    handlers.answer_command(write(bot), bot)
    assert AuthSession.objects.count() == 1


@pytest.mark.parametrize("text", ["hello", "auth", "", "/etc/hosts", "1/2", "我在 http://intern/auth 看到"])
def test_other_messages_are_left_alone(bot, text, platform):
    write(bot, text=text)
    assert not AuthSession.objects.exists()
    assert not platform.reply.called


@pytest.mark.parametrize("content", ["", "not json", "[]", "null", '{"text": null}'])
def test_message_with_odd_content_is_left_alone(bot, content):
    write(bot, content=content)
    assert not AuthSession.objects.exists()


def test_help_is_answered_with_a_part_for_each_language(bot, platform):
    write(bot, text="/help", message_id="om_5")
    request = platform.reply.calls.last.request
    assert request.url.path.endswith("/om_5/reply")
    message = json.loads(request.content)
    assert (message["msg_type"], json.loads(message["content"])) == ("post", post_of(HELP))


def test_auth_for_a_bot_with_impossible_scopes_is_answered_with_the_reason(bot, platform):
    bot.auth_scopes = []
    write(bot)
    content = json.loads(platform.reply.calls.last.request.content)["content"]
    assert "scopes set for the bot are not valid" in content
    assert "授权范围设置有误" in content


def asked(bot) -> AuthSession:
    return request_authorization(bot=bot, open_id="ou_asked", actor=SYSTEM)


def click(handler, bot, session, **values):
    return handler(arrived(bot, click_event(value={"session": str(session.pk)}, **values)), bot)


def test_not_now_declines_and_answers_with_the_new_card(bot):
    session = asked(bot)
    answer = click(handlers.decline, bot, session)
    session.refresh_from_db()
    assert session.state == SessionState.DENIED
    assert answer["card"]["type"] == "raw"


def test_try_again_makes_the_same_card_a_new_request(bot):
    session = asked(bot)
    end_session(session, state=SessionState.EXPIRED, actor=SYSTEM)
    answer = click(handlers.try_again, bot, session, message_id="om_card")
    fresh = AuthSession.objects.exclude(pk=session.pk).get()
    assert (fresh.state, fresh.message_id) == (SessionState.SENT, "om_card")
    assert "/oauth/start/" in json.dumps(answer)
    session.refresh_from_db()
    assert session.message_id == ""


def test_try_again_for_a_bot_that_is_off_is_answered_with_the_reason(bot):
    session = asked(bot)
    end_session(session, state=SessionState.EXPIRED, actor=SYSTEM)
    bot.enabled = False
    bot.save()
    assert "机器人已停用" in json.dumps(click(handlers.try_again, bot, session), ensure_ascii=False)


def test_ended_card_that_arrives_after_the_click_on_try_again_gives_way_to_the_fresh_one(bot, platform):
    session = asked(bot)
    sync_card(session.pk)
    end_session(session, state=SessionState.EXPIRED, actor=SYSTEM)

    def click_meanwhile(request):
        click(handlers.try_again, bot, session)
        return httpx2.Response(200, json={"code": 0, "msg": "ok", "data": {}})

    platform.patch.mock(side_effect=click_meanwhile)
    sync_card(session.pk)
    platform.patch.mock(side_effect=None, return_value=httpx2.Response(200, json={"code": 0}))
    [fresh] = cards_to_sync()
    sync_card(fresh)
    assert "/oauth/start/" in json.loads(platform.patch.calls.last.request.content)["content"]
    assert cards_to_sync() == []


def test_try_again_twice_is_one_request(bot):
    session = asked(bot)
    end_session(session, state=SessionState.EXPIRED, actor=SYSTEM)
    click(handlers.try_again, bot, session)
    click(handlers.try_again, bot, session)
    assert AuthSession.objects.count() == 2


@pytest.mark.parametrize("handler", [handlers.decline, handlers.try_again])
def test_stranger_who_clicks_changes_nothing(bot, handler):
    session = asked(bot)
    answer = click(handler, bot, session, open_id="ou_stranger")
    session.refresh_from_db()
    assert answer == handlers.NOT_YOURS
    assert session.state == SessionState.PENDING
    assert AuthSession.objects.count() == 1


@pytest.mark.parametrize("handler", [handlers.decline, handlers.try_again])
def test_click_on_another_bots_session_changes_nothing(bot, handler):
    assert click(handler, make_bot(), asked(bot)) == handlers.NOT_YOURS


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Revoked by user action.", PlatformReason.USER),
        ("Revoked by administrator action.", PlatformReason.ADMINISTRATOR),
        ("Revoked by security and risk control action.", PlatformReason.SECURITY),
        ("Revoked by restriction action.", PlatformReason.RESTRICTION),
        ("Revoked by unknown action.", PlatformReason.UNKNOWN),
        ("something new", PlatformReason.UNKNOWN),
    ],
)
def test_news_of_a_revocation_ends_the_grant_with_its_reason(bot, sentence, reason):
    grant = make_grant(bot, authorized_at=timezone.now() - timedelta(hours=1))
    event = arrived(bot, revoked_event(reason=sentence))
    handlers.note_revocation(event, bot)
    handlers.note_revocation(event, bot)
    assert Revocation.objects.get().platform_reason == reason
    grant.refresh_from_db()
    assert grant.status == TokenStatus.REVOKED


def test_news_of_a_revocation_spares_a_grant_that_is_newer(bot):
    hour_ago = int((timezone.now() - timedelta(hours=1)).timestamp() * 1000)
    grant = make_grant(bot)
    handlers.note_revocation(arrived(bot, revoked_event(create_time=str(hour_ago))), bot)
    grant.refresh_from_db()
    assert grant.status == TokenStatus.ACTIVE


def test_news_of_a_strangers_revocation_ends_nothing(bot):
    grant = make_grant(bot, authorized_at=timezone.now() - timedelta(hours=1))
    handlers.note_revocation(arrived(bot, revoked_event(open_id="ou_stranger")), bot)
    handlers.note_revocation(arrived(bot, revoked_event(tenant_key="another")), bot)
    grant.refresh_from_db()
    assert grant.status == TokenStatus.ACTIVE


def test_authorize_again_sends_the_person_who_clicks_a_card_of_their_own(bot):
    event = arrived(bot, click_event(value={"action": "auth.start"}, open_id="ou_clicker"))
    for _ in range(2):
        assert handlers.start_again(event, bot)["toast"]["type"] == "success"
    assert AuthSession.objects.get().open_id == "ou_clicker"


# --- other commands, and what the directory says


def said(route) -> str:
    return json.loads(route.calls.last.request.content)["content"]


@pytest.mark.parametrize("text", ["/revoke", "/撤销"])
def test_revoke_ends_the_writers_own_grant(bot, platform, text):
    mine, other = make_grant(bot, open_id="ou_writer"), make_grant(bot, open_id="ou_other")
    write(bot, text=text, open_id="ou_writer")
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.status, other.status) == (TokenStatus.REVOKED, TokenStatus.ACTIVE)
    assert "撤销" in said(platform.reply)


def test_revoke_without_a_grant_says_so(bot, platform):
    write(bot, text="/revoke", open_id="ou_writer")
    assert "/auth" in said(platform.reply)


def in_group(*mentioned):
    """Of a message in a group that mentions these open_ids."""
    mentions = [{"key": f"@_user_{n}", "id": {"open_id": one}} for n, one in enumerate(mentioned, 1)]
    return {"chat_type": "group", "mentions": mentions}


def test_answer_about_a_grant_stays_out_of_the_group(bot, platform):
    make_grant(bot, open_id="ou_writer")
    write(bot, text="@_user_1 /revoke", open_id="ou_writer", **in_group("ou_bot"))
    assert not platform.reply.called
    assert json.loads(platform.send.calls.last.request.content)["receive_id"] == "ou_writer"


@pytest.mark.parametrize("text", ["/status", "/状态"])
def test_status_is_sent_to_the_writer_alone(bot, platform, text):
    make_grant(bot, open_id="ou_writer")
    write(bot, text=f"@_user_1 {text}", open_id="ou_writer", **in_group("ou_bot"))
    assert not platform.reply.called
    assert json.loads(platform.send.calls.last.request.content)["receive_id"] == "ou_writer"


@pytest.mark.parametrize(("last", "greeted"), [("", True), ("om_1", False)])
def test_newcomer_is_greeted_once(bot, platform, last, greeted):
    payload = directory_event(
        "im.chat.access_event.bot_p2p_chat_entered_v1",
        {"chat_id": "oc_1", "operator_id": {"open_id": "ou_new"}, "last_message_id": last},
    )
    handlers.greet_newcomer(arrived(bot, payload), bot)
    assert platform.send.called == greeted


def test_newcomer_who_opens_the_chat_twice_is_greeted_by_one_message(bot, platform):
    for _time in range(2):
        payload = directory_event(
            "im.chat.access_event.bot_p2p_chat_entered_v1",
            {"chat_id": "oc_1", "operator_id": {"open_id": "ou_new"}, "last_message_id": ""},
        )
        handlers.greet_newcomer(arrived(bot, payload), bot)
    first, second = (json.loads(call.request.content)["uuid"] for call in platform.send.calls)
    assert first == second  # which the platform sends once


def directory_event(event_type, event):
    payload = message_event()
    payload["header"]["event_type"] = event_type
    return payload | {"event": event}


def test_grants_of_who_left_are_ended_and_nobody_elses(bot):
    left, stayed = make_grant(bot, open_id="ou_left"), make_grant(bot, open_id="ou_stayed")
    payload = directory_event("contact.user.deleted_v3", {"object": {"open_id": "ou_left"}})
    event = arrived(bot, payload)
    for _ in range(2):
        handlers.end_grants_of_leaver(event, bot)
    left.refresh_from_db()
    stayed.refresh_from_db()
    assert (left.status, stayed.status) == (TokenStatus.REVOKED, TokenStatus.ACTIVE)


@pytest.mark.parametrize("name", ["union_id", "user_id"])
def test_grants_of_who_left_are_ended_also_where_the_event_names_no_open_id(bot, name):
    left = make_grant(bot, open_id="ou_left", **{name: "left"})
    stayed, unnamed = (
        make_grant(bot, open_id="ou_stayed", **{name: "stayed"}),
        make_grant(bot, open_id="ou_x"),
    )
    for person in ({name: "left"}, {name: "", "open_id": None}, {}):
        event = arrived(bot, directory_event("contact.user.deleted_v3", {"object": person}))
        handlers.end_grants_of_leaver(event, bot)
    for grant in (left, stayed, unnamed):
        grant.refresh_from_db()
    assert left.status == TokenStatus.REVOKED
    assert {stayed.status, unnamed.status} == {TokenStatus.ACTIVE}


def test_grants_of_who_resigned_are_ended(bot):
    grant = make_grant(bot, open_id="ou_left")
    person = {"open_id": "ou_left", "name": "李雷", "status": {"is_resigned": True}}
    handlers.follow_person(arrived(bot, directory_event("contact.user.updated_v3", {"object": person})), bot)
    grant.refresh_from_db()
    assert grant.status == TokenStatus.REVOKED


def test_new_name_is_taken_over(bot):
    grant = make_grant(bot, open_id="ou_left")
    remember(bot, [Profile("ou_left", name="旧名")])
    person = {"open_id": "ou_left", "name": "新名", "status": {"is_frozen": True}}
    handlers.follow_person(arrived(bot, directory_event("contact.user.updated_v3", {"object": person})), bot)
    grant.refresh_from_db()
    assert grant.status == TokenStatus.ACTIVE
    assert Person.objects.get().name == "新名"


@pytest.mark.parametrize("value", ["x", 1, [1], {"open_id": [1], "status": [1]}])
def test_event_with_odd_values_changes_nothing(bot, platform, value):
    grant = make_grant(bot, open_id="ou_1")
    for event_type, name, handler in (
        ("im.chat.access_event.bot_p2p_chat_entered_v1", "operator_id", handlers.greet_newcomer),
        ("contact.user.updated_v3", "object", handlers.follow_person),
        ("contact.user.deleted_v3", "object", handlers.end_grants_of_leaver),
        ("auth.user_access_token.revoked_v4", "open_id", handlers.note_revocation),
    ):
        handler(arrived(bot, directory_event(event_type, {name: value})), bot)
    grant.refresh_from_db()
    assert grant.status == TokenStatus.ACTIVE
    assert not platform.send.called
