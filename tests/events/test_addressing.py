import pytest

from bots.enums import GroupPolicy
from bots.groups.service import set_group_policies
from core.access.actors import SYSTEM
from events import is_addressed
from tests.events.handler_runs import stored_event
from tests.factories import click_event, make_bot, message_event

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("postgres")]

MENTION = {"key": "@_user_1", "id": {"open_id": "ou_own"}, "mentioned_type": "bot", "name": "Helper"}


@pytest.fixture
def bot():
    return make_bot(open_id="ou_own")


def is_for(bot, **message):
    return is_addressed(stored_event(message_event(**message), bot=bot), bot)


def test_message_of_a_direct_chat_is_addressed_whatever_holds_in_groups(bot, django_assert_num_queries):
    bot.group_policy, bot.has_group_exceptions = GroupPolicy.NEVER, True
    event = stored_event(message_event(text="hello"), bot=bot)
    with django_assert_num_queries(0):
        assert is_addressed(event, bot)


@pytest.mark.parametrize("chat_type", ["group", "topic_group", ""])
def test_message_of_a_group_is_addressed_where_it_mentions_the_bot(bot, chat_type):
    assert is_for(bot, chat_type=chat_type, text="@_user_1 hello", mentions=[MENTION])
    assert not is_for(bot, chat_type=chat_type, text="hello")


def test_message_is_addressed_as_it_is_set_for_its_group(bot):
    wanted = {"oc_all": GroupPolicy.EVERY_MESSAGE}
    set_group_policies(bot=bot, wanted=wanted, names={}, actor=SYSTEM)
    assert is_for(bot, chat_type="group", chat_id="oc_all", text="hello")
    assert not is_for(bot, chat_type="group", chat_id="oc_other", text="hello")


@pytest.mark.parametrize("message", [None, [], {"chat_type": "group", "chat_id": 7, "mentions": {}}])
def test_odd_message_is_not_addressed(bot, message):
    payload = message_event()
    payload["event"]["message"] = message
    assert not is_addressed(stored_event(payload, bot=bot), bot)


def test_other_event_is_not_addressed(bot):
    assert not is_addressed(stored_event(click_event(value={"action": "approve"}), bot=bot), bot)
