"""What the QR code that extends an app asks for besides, where its bot greets."""

import pytest

from bots.registration.preset import addons
from feishu_portal.greetings.enums import Occasion
from tests.factories import make_bot
from tests.feishu_portal.greetings.test_answering import set_up

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("occasion", "scope", "event"),
    [
        (Occasion.BOT_ADDED, "im:chat.members:bot_access", "im.chat.member.bot.added_v1"),
        (Occasion.PEOPLE_JOINED, "im:chat.members:read", "im.chat.member.user.added_v1"),
    ],
)
def test_app_gets_the_event_of_its_bot_s_greeting(
    occasion: Occasion, scope: str, event: str, django_assert_num_queries
) -> None:
    bot, other = make_bot(), make_bot()
    set_up(bot, occasion)
    with django_assert_num_queries(1):
        wanted = addons(bot)
    assert scope in wanted.tenant_scopes
    assert event in wanted.tenant_events
    assert addons(other) == addons(None)


def test_greeting_that_is_off_needs_nothing() -> None:
    bot = make_bot()
    for occasion in Occasion:
        set_up(bot, occasion, enabled=False)
    assert addons(bot) == addons(None)


def test_every_occasion_has_its_event() -> None:
    bot = make_bot()
    for occasion in Occasion:
        set_up(bot, occasion)
    events = set(addons(bot).tenant_events)
    assert {
        "im.chat.access_event.bot_p2p_chat_entered_v1",
        "application.bot.menu_v6",
        "im.chat.member.bot.added_v1",
        "im.chat.member.user.added_v1",
    } <= events
