"""When a bot needs a person, and when it no longer does."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from bots.enums import SlotState
from bots.incidents.detection import RECOVERY, detect
from bots.models import Bot, Incident, PlatformCount
from bots.service import set_enabled
from core.access.actors import SYSTEM
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db

LONG = timedelta(hours=1)


@pytest.fixture
def bot() -> Bot:
    bot = make_bot(slot_count=2)
    Bot.objects.update(updated_at=timezone.now() - LONG)
    connect(bot)
    return bot


def connect(bot: Bot, **values: Any) -> None:
    now = timezone.now()
    standing = {"state": SlotState.CONNECTED, "lease_until": now + LONG, "down_since": None}
    cleared = {"error_code": None, "error_message": ""}
    bot.slots.update(holder=uuid4(), **(standing | cleared | values))


def fall(bot: Bot, code: int | None = None, *, minutes: float = 10) -> None:
    since = timezone.now() - timedelta(minutes=minutes)
    connect(
        bot,
        state=SlotState.ERROR,
        down_since=since,
        error_code=code,
        error_message="" if code is None else "refused",
    )


def causes() -> list[tuple[str, bool]]:
    detect()
    return [(row.cause, row.closed_at is None) for row in Incident.objects.order_by("pk")]


def pass_time() -> None:
    Incident.objects.update(recovered_at=timezone.now() - RECOVERY)


def test_bot_that_hears_on_one_connection_needs_nobody(bot):
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


def test_foreign_connection_is_an_incident_until_it_is_gone(bot):
    PlatformCount.objects.create(bot=bot, next_check_at=timezone.now(), online=3, held=2, more_counts=2)
    assert causes() == [("foreign", True)]
    PlatformCount.objects.update(more_counts=0)
    detect()
    pass_time()
    assert causes() == [("foreign", False)]


def test_incident_tells_the_latest_code(bot):
    fall(bot, 1000040345)
    detect()
    fall(bot, 1000040346)
    detect()
    assert Incident.objects.get().code == 1000040346


def test_watching_many_bots_takes_as_many_queries_as_watching_one(bot, django_assert_max_num_queries):
    for _ in range(5):
        connect(make_bot())
    with django_assert_max_num_queries(8):
        detect()
