import pytest
from django.utils import timezone

from bots.doctor.findings import Check
from bots.doctor.observations import observed
from bots.models import Bot
from events.enums import Arrived
from events.log.arrivals import arrivals
from events.models import Event
from tests.factories import make_bot

pytestmark = pytest.mark.django_db
MESSAGE = {Check.MESSAGES, Check.FIRST_MESSAGE, Check.VERSION}


def arrive(bot: Bot, event_type: str, by: Arrived = Arrived.WEBSOCKET) -> None:
    number = Event.objects.count()
    Event.objects.create(
        bot=bot,
        dedupe_key=str(number),
        event_type=event_type,
        arrived_by=by,
        payload=b"{}",
        created_at=timezone.now(),
    )


def seen(bot: Bot) -> set[Check]:
    return {one.finding.check for one in arrivals(bot)}


@pytest.mark.parametrize(
    ("event_type", "by", "shown"),
    [
        ("im.message.receive_v1", Arrived.WEBSOCKET, MESSAGE | {Check.EVENTS}),
        ("im.message.receive_v1", Arrived.WEBHOOK, MESSAGE),
        ("card.action.trigger", Arrived.WEBSOCKET, {Check.CLICKS, Check.CALLBACKS}),
        ("card.action.trigger", Arrived.WEBHOOK, {Check.CLICKS}),
        ("card.action.trigger_v1", Arrived.WEBSOCKET, {Check.CLICKS, Check.CALLBACKS}),
        ("contact.user.updated_v3", Arrived.WEBSOCKET, set()),
    ],
)
def test_what_arrives_shows_that_its_tab_is_right(event_type, by, shown):
    bot = make_bot()
    arrive(make_bot(), "im.message.receive_v1")
    arrive(bot, event_type, by)
    assert seen(bot) == shown


def test_callbacks_are_compared_with_their_own_way():
    bot = make_bot(callback_transport="webhook", encrypt_key="3ncrypt")
    arrive(bot, "card.action.trigger", Arrived.WEBHOOK)
    assert seen(bot) == {Check.CLICKS, Check.CALLBACKS}


def test_reading_takes_three_queries_whatever_has_arrived(django_assert_num_queries):
    bot = make_bot()
    for _number in range(5):
        arrive(bot, "im.message.receive_v1")
    with django_assert_num_queries(3):
        seen(bot)


def test_the_doctor_is_told_of_it():
    bot = make_bot()
    arrive(bot, "im.message.receive_v1")
    assert Check.FIRST_MESSAGE in observed(bot)
