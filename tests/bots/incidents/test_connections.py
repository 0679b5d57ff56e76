"""When a bot needs a person because of its connections."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from bots.connections import advice
from bots.enums import SlotState
from bots.incidents.detection import detect
from bots.models import Bot, FleetProcess, Notice, PlatformCount
from bots.service import set_enabled
from core.access.actors import SYSTEM
from core.access.models import User
from tests.bots.incidents.outages import causes, connect, connected_bot, fall, pass_time
from tests.factories import make_operator

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


class TestNoProcess:
    """All runfeishu processes away: one incident, and not one of every bot."""

    @pytest.fixture(autouse=True)
    def boss(self, settings) -> User:
        settings.EMAIL_IS_SET_UP = True
        boss = make_operator(superuser=True)
        boss.email = "boss@example.com"
        boss.save()
        return boss

    @pytest.fixture
    def bots(self) -> list[Bot]:
        return [connected_bot() for _ in range(3)]

    def die(self, bots: list[Bot]) -> None:
        FleetProcess.objects.all().delete()
        for bot in bots:
            connect(bot, lease_until=timezone.now() - timedelta(minutes=10))

    def return_(self) -> None:
        FleetProcess.objects.create(id=uuid4(), name="a", seen_at=timezone.now(), capacity=10)

    def test_is_one_of_each_bot_where_no_superuser_can_be_told(self, bots, boss):
        User.objects.filter(pk=boss.pk).update(email="")
        self.die(bots)
        assert causes() == [("not_connected", True)] * 3

    def test_is_one_incident_that_superusers_are_told_of(self, bots, boss):
        self.die(bots)
        assert causes() == [("no_fleet", True)]
        [notice] = Notice.objects.all()
        assert notice.user == boss
        assert "runfeishu" in notice.incident.headline
        assert notice.incident.explanation == advice.NO_PROCESS

    def test_ends_when_one_is_back_and_no_bot_has_an_incident_of_its_own_meanwhile(self, bots):
        self.die(bots)
        causes()
        self.return_()
        assert causes() == [("no_fleet", True)]
        for bot in bots:
            connect(bot)
        assert causes() == [("no_fleet", True)]
        pass_time()
        assert causes() == [("no_fleet", False)]

    def test_bot_that_stays_down_gets_its_own_when_the_others_are_back(self, bots):
        self.die(bots)
        causes()
        self.return_()
        for bot in bots[1:]:
            connect(bot)
        causes()
        pass_time()
        causes()
        assert causes() == [("no_fleet", False), ("not_connected", True)]

    def test_incident_that_a_bot_had_before_stays_open(self, bots):
        fall(bots[0], 1000040345)
        self.return_()
        assert causes() == [("configuration", True)]
        self.die(bots[1:])
        pass_time()
        assert set(causes()) == {("configuration", True), ("no_fleet", True)}

    def test_bots_that_are_down_beside_a_process_have_each_their_own(self, bots):
        self.die(bots)
        self.return_()
        assert causes() == [("not_connected", True)] * 3

    def test_process_that_was_not_seen_for_a_minute_counts_for_none(self, bots):
        self.die(bots)
        FleetProcess.objects.create(
            id=uuid4(), name="a", seen_at=timezone.now() - timedelta(minutes=2), capacity=10
        )
        assert causes() == [("no_fleet", True)]
