"""When an incident is opened, and when it is over."""

import pytest

from bots.incidents.detection import detect
from bots.models import Bot, Incident
from bots.service import set_enabled
from core.access.actors import SYSTEM
from tests.bots.incidents.outages import causes, connect, connected_bot, fall, pass_time
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot() -> Bot:
    return connected_bot()


def test_bot_that_falls_while_it_waits_to_be_well_has_one_incident(bot):
    fall(bot)
    detect()
    connect(bot)
    detect()
    fall(bot)
    detect()
    pass_time()
    assert causes() == [("not_connected", True)]


def test_incident_is_over_when_the_bot_has_been_well_for_a_while(bot):
    fall(bot)
    detect()
    connect(bot)
    assert causes() == [("not_connected", True)]
    pass_time()
    assert causes() == [("not_connected", False)]


def test_incident_of_a_bot_that_is_switched_off_is_over_without_a_word(bot):
    user = make_operator()
    user.feishu_address = "on_owner"
    user.save()
    bot.owners.add(user)
    fall(bot)
    detect()
    set_enabled([bot], enabled=False, actor=SYSTEM)
    assert causes() == [("not_connected", False)]
    assert Incident.objects.get().notices.get().due_at is None


def test_incident_tells_the_latest_code(bot):
    fall(bot, 1000040345)
    detect()
    fall(bot, 1000040346)
    detect()
    assert Incident.objects.get().code == 1000040346


def test_watching_many_bots_takes_as_many_queries_as_watching_one(bot, django_assert_max_num_queries):
    for _ in range(5):
        connect(make_bot())
    with django_assert_max_num_queries(16):
        detect()


def test_beginning_and_end_of_an_incident_are_logged(bot, caplog, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        fall(bot, 1000040345)
        detect()
        connect(bot)
        detect()
        pass_time()
        detect()
    said = [record for record in caplog.records if record.getMessage().startswith("incident_")]
    assert [(line.getMessage(), line.cause, line.bot) for line in said] == [
        ("incident_opened", "configuration", str(bot.pk)),
        ("incident_closed", "configuration", str(bot.pk)),
    ]
    assert said[0].platform_code == 1000040345
