"""An event goes to the subscriptions that want it and may have it."""

import pytest

from events.enums import EventStatus
from events.models import Event
from tests.events.handler_runs import fanned_out, stored_event
from tests.factories import click_event, make_bot, make_operator, make_subscription

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


def test_an_event_goes_to_the_subscriptions_that_want_it(bot):
    wanted = make_subscription(bot, event_types=["im.message.*"])
    make_subscription(bot, event_types=["contact.*"])
    make_subscription(make_bot())
    make_subscription(bot, filter=["event.message.chat_type = group"])
    [delivery] = fanned_out(stored_event(bot=bot))
    assert delivery.subscription == wanted


def test_all_bots_are_those_of_the_owner(bot):
    owner, other = make_operator(), make_operator()
    bot.owners.add(owner)
    mine = make_subscription(owner=owner)
    make_subscription(owner=other)
    make_subscription(bot, owner=other)
    assert [one.subscription for one in fanned_out(stored_event(bot=bot))] == [mine]


@pytest.mark.parametrize("change", [{"is_active": False}, {"gone": True}])
def test_whoever_lost_the_bot_gets_no_more_of_its_events(bot, change):
    owner = make_operator()
    bot.owners.add(owner)
    make_subscription(bot, owner=owner)
    if change.pop("gone", False):
        bot.owners.clear()
    type(owner).objects.filter(pk=owner.pk).update(**change or {"first_name": ""})
    event = stored_event(bot=bot)
    assert fanned_out(event) == []


def test_clicks_are_not_for_subscriptions(bot):
    make_subscription(bot)
    event = stored_event(click_event(value={"action": "x"}), bot=bot)
    Event.objects.update(status=EventStatus.RECEIVED)
    assert fanned_out(event) == []
