"""When a bot needs a person because of its connections."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bots.connections import advice
from bots.enums import ProcessKind, ProcessRole, SlotState
from bots.incidents.detection import detect
from bots.incidents.fleet import watch_fleet
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

    @pytest.fixture(autouse=True)
    def others(self) -> None:
        """A process that does everything else."""
        values = {"kind": ProcessKind.WORKER, "roles": [ProcessRole.WORK, ProcessRole.SCHEDULE]}
        FleetProcess.objects.create(name="b", seen_at=timezone.now(), **values)

    @staticmethod
    def causes() -> list[tuple[str, bool]]:
        """What a worker's sweep makes of it, and whichever process looks for what nobody does."""
        watch_fleet(watched_seconds=3_600)
        return causes()

    def die(self, bots: list[Bot]) -> None:
        FleetProcess.objects.listeners().delete()
        for bot in bots:
            connect(bot, lease_until=timezone.now() - timedelta(minutes=10))

    def return_(self) -> None:
        FleetProcess.objects.create(name="a", seen_at=timezone.now(), capacity=10, roles=[ProcessRole.LISTEN])

    def test_is_one_of_each_bot_where_no_superuser_can_be_told(self, bots, boss):
        User.objects.filter(pk=boss.pk).update(email="")
        self.die(bots)
        assert self.causes() == [("no_fleet", True)] + [("not_connected", True)] * 3

    def test_is_one_incident_that_superusers_are_told_of(self, bots, boss):
        self.die(bots)
        assert self.causes() == [("no_fleet", True)]
        [notice] = Notice.objects.all()
        assert notice.user == boss
        assert "runfeishu" in notice.incident.headline
        assert notice.incident.explanation == advice.NO_PROCESS

    def test_ends_when_one_is_back_and_no_bot_has_an_incident_of_its_own_meanwhile(self, bots):
        self.die(bots)
        self.causes()
        self.return_()
        assert self.causes() == [("no_fleet", True)]
        for bot in bots:
            connect(bot)
        assert self.causes() == [("no_fleet", True)]
        pass_time()
        assert self.causes() == [("no_fleet", False)]

    def test_bot_that_stays_down_gets_its_own_when_the_others_are_back(self, bots):
        self.die(bots)
        self.causes()
        self.return_()
        for bot in bots[1:]:
            connect(bot)
        self.causes()
        pass_time()
        self.causes()
        assert self.causes() == [("no_fleet", False), ("not_connected", True)]

    def test_incident_that_a_bot_had_before_stays_open(self, bots):
        fall(bots[0], 1000040345)
        self.return_()
        assert self.causes() == [("configuration", True)]
        self.die(bots[1:])
        pass_time()
        assert set(self.causes()) == {("configuration", True), ("no_fleet", True)}

    def test_bots_that_are_down_beside_a_process_have_each_their_own(self, bots):
        self.die(bots)
        self.return_()
        assert self.causes() == [("not_connected", True)] * 3

    def test_process_that_was_not_seen_for_a_minute_counts_for_none(self, bots):
        self.die(bots)
        FleetProcess.objects.create(
            name="a", seen_at=timezone.now() - timedelta(minutes=3), capacity=10, roles=[ProcessRole.LISTEN]
        )
        assert self.causes() == [("no_fleet", True)]
