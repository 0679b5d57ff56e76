"""When a bot needs a person because of its connections."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bots.enums import SlotState
from bots.incidents.detection import detect
from bots.models import Bot, PlatformCount
from bots.service import set_enabled
from core.access.actors import SYSTEM
from tests.bots.incidents.outages import causes, connect, connected_bot, fall, pass_time

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot() -> Bot:
    return connected_bot()


def test_bot_with_one_connection_of_two_needs_nobody(bot):
    fall(bot)
    bot.slots.filter(number=1).update(state=SlotState.CONNECTED)
    assert causes() == []


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (1000040345, "configuration"),
        (1000040351, "configuration"),
        (1000040350, "not_connected"),
        (None, "not_connected"),
    ],
)
def test_bot_without_a_connection_for_long_is_an_incident_once(bot, code, cause):
    fall(bot, code)
    assert causes() == [(cause, True)]
    assert causes() == [(cause, True)]


def test_short_outage_is_none(bot, settings):
    settings.ALERT_SECONDS = 120
    fall(bot, minutes=1.9)
    assert causes() == []


def test_bot_changed_a_moment_ago_is_given_time(bot):
    fall(bot)
    set_enabled([bot], enabled=True, actor=SYSTEM)
    assert causes() == []


def test_bot_whose_process_died_is_an_incident_although_its_row_reads_connected(bot):
    connect(bot, lease_until=timezone.now() - timedelta(minutes=10))
    assert causes() == [("not_connected", True)]


def test_foreign_connection_is_an_incident_until_it_is_gone(bot):
    PlatformCount.objects.create(bot=bot, next_check_at=timezone.now(), online=3, held=2, more_counts=2)
    assert causes() == [("foreign", True)]
    PlatformCount.objects.update(more_counts=0)
    detect()
    pass_time()
    assert causes() == [("foreign", False)]
