from datetime import timedelta

import pytest
from django.utils import timezone

from bots.connections import advice
from bots.connections.status import (
    PATIENCE,
    ConnectionHealth,
    ConnectionState,
    connected_bots,
    statuses,
    unconnected_bots,
)
from bots.enums import SlotState, Transport
from bots.models import Bot, ConnectionSlot, PlatformCount
from bots.models.connections import PROOF
from tests.factories import connect_slots, make_bot

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(hours=1)


@pytest.fixture
def bot() -> Bot:
    made = make_bot(slot_count=2)
    Bot.objects.update(created_at=timezone.now() - LONG_AGO, asked_at=timezone.now() - LONG_AGO)
    made.refresh_from_db()
    connect_slots(made.slots)
    return made


def health_of(bot: Bot) -> ConnectionHealth:
    [status] = statuses([bot])
    return status.health


def first(bot: Bot, **values: object) -> None:
    ConnectionSlot.objects.filter(bot=bot, number=1).update(**values)


def is_listed_as_connected(bot: Bot) -> bool:
    assert connected_bots().filter(pk=bot.pk).exists() != unconnected_bots().filter(pk=bot.pk).exists()
    return connected_bots().filter(pk=bot.pk).exists()


def test_bot_that_hears_on_all_connections_is_connected(bot):
    [status] = statuses([bot])

    assert (status.health, status.health.state) == (ConnectionHealth.CONNECTED, ConnectionState.CONNECTED)
    assert (status.connected_count, status.troubled, status.diagnosis()) == (2, None, None)
    assert is_listed_as_connected(bot)


def test_one_connection_is_enough_and_the_other_is_a_warning(bot):
    first(bot, state=SlotState.ERROR, error_code=10014)
    [status] = statuses([bot])

    assert (status.health, status.health.state) == (ConnectionHealth.WARNING, ConnectionState.CONNECTED)
    assert status.troubled is not None
    assert status.troubled.row.number == 1
    assert status.diagnosis().info.code == 10014
    assert is_listed_as_connected(bot)


def test_open_socket_without_heartbeats_is_not_connected(bot):
    ConnectionSlot.objects.update(heartbeat_due_at=timezone.now() - timedelta(seconds=1))
    [status] = statuses([bot])

    assert (status.health, status.health.state) == (ConnectionHealth.RECONNECTING, ConnectionState.CONNECTING)
    assert status.diagnosis().info is advice.SILENT
    assert not is_listed_as_connected(bot)


def test_row_of_a_process_that_died_is_not_believed(bot):
    lost = timezone.now() - PATIENCE / 2
    ConnectionSlot.objects.update(lease_until=lost)
    assert health_of(bot) is ConnectionHealth.RECONNECTING

    ConnectionSlot.objects.update(lease_until=lost - PATIENCE)

    [status] = statuses([bot])
    assert status.health is ConnectionHealth.ERROR
    assert status.diagnosis().info is advice.NOT_HELD
    assert status.diagnosis(not_held=advice.NO_PROCESS).info is advice.NO_PROCESS
    assert not is_listed_as_connected(bot)


def test_first_attempt_connects_and_a_later_one_reconnects(bot):
    ConnectionSlot.objects.update(state=SlotState.CONNECTING, error_at=None)
    assert health_of(bot) is ConnectionHealth.CONNECTING

    ConnectionSlot.objects.update(error_at=timezone.now())

    assert health_of(bot) is ConnectionHealth.RECONNECTING


@pytest.mark.parametrize(
    ("values", "health"),
    [
        ({"enabled": False}, ConnectionHealth.DISCONNECTED),
        ({"connect": False}, ConnectionHealth.DISCONNECTED),
        ({"transport": Transport.WEBHOOK}, ConnectionHealth.WEBHOOK),
    ],
)
def test_bot_that_is_to_hold_none_is_not_judged_by_its_connections(bot, values, health):
    first(bot, state=SlotState.ERROR, error_code=10014)
    Bot.objects.update(**values)
    bot.refresh_from_db()
    [status] = statuses([bot])

    assert (status.health, status.health.state) == (health, ConnectionState.DISCONNECTED)
    assert status.diagnosis() is None


def test_connection_of_another_program_is_a_warning(bot):
    PlatformCount.objects.create(bot=bot, online=3, held=2, more_counts=PROOF, next_check_at=timezone.now())
    [status] = statuses([bot])

    assert (status.health, status.foreign) == (ConnectionHealth.WARNING, 1)
    assert "the other 1" in status.diagnosis().text


def test_many_bots_take_as_many_queries_as_one(bot, django_assert_num_queries):
    others = [make_bot() for _ in range(5)]
    with django_assert_num_queries(2):
        found = statuses([*others, bot])
    assert [status.bot for status in found] == [*others, bot]


def test_every_health_has_a_name_in_the_api():
    assert {health.state for health in ConnectionHealth} == set(ConnectionState)
