from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest
from django.utils import timezone

from bots.connections.status import PATIENCE
from bots.doctor.connections import opened
from bots.doctor.findings import Check
from bots.doctor.records import examine_due, states_now
from bots.enums import CheckResult, LossReason, SlotState
from bots.models import Bot, ConnectionLoss, PlatformCount
from tests.bots.doctor.patient import counted, look
from tests.factories import connect_slots, make_bot

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("code", [403, 514, 1000040345])
def test_refused_long_connection_is_wrong_with_its_code(bot, platform, code):
    platform.endpoint.respond(json={"code": code, "msg": "no", "data": {}})
    finding = look(bot)[Check.LONG_CONNECTION]
    assert (finding.result, finding.code) == (CheckResult.WRONG, code)


@pytest.mark.parametrize(
    ("state", "result"), [(SlotState.CONNECTED, CheckResult.WARNING), (SlotState.ERROR, CheckResult.WRONG)]
)
def test_connection_limit_is_wrong_only_for_a_bot_that_still_needs_one(bot, platform, state, result):
    bot.slots.update(state=state)
    platform.endpoint.respond(json={"code": 1000040350, "msg": "too many", "data": {}})
    assert look(bot)[Check.LONG_CONNECTION].result is result


def test_more_connections_than_ours_are_somebody_elses(bot, platform):
    platform.connections.respond(json=counted(3))
    finding = look(bot)[Check.CONNECTIONS]
    assert finding.result is CheckResult.WRONG
    assert "counts 3 connections of this app and the portal holds 1: the other 2" in finding.cause.en_us


def test_fewer_connections_than_ours_are_half_open(bot, platform):
    platform.connections.respond(json=counted(0))
    finding = look(bot)[Check.CONNECTIONS]
    assert finding.result is CheckResult.WRONG
    assert "half open" in finding.cause.en_us


def test_connection_that_comes_up_while_the_platform_counts_is_no_surplus(bot, platform):
    bot.slots.update(state=SlotState.CONNECTING)

    def meanwhile(_request: httpx2.Request) -> httpx2.Response:
        connect_slots(bot.slots)
        return httpx2.Response(200, json=counted(1))

    platform.connections.mock(side_effect=meanwhile)
    assert look(bot)[Check.CONNECTIONS].result is CheckResult.OK


@pytest.mark.parametrize(("seconds_left", "result"), [(60, CheckResult.OK), (-60, CheckResult.WRONG)])
def test_connection_on_the_move_counts_twice_as_long_as_it_moves(bot, platform, seconds_left, result):
    until = timezone.now() + timedelta(seconds=seconds_left)
    bot.slots.update(successor=uuid4(), successor_until=until)
    platform.connections.respond(json=counted(2))
    assert look(bot)[Check.CONNECTIONS].result is result


def test_bot_without_a_connection_is_a_warning(bot, platform):
    bot.slots.update(state=SlotState.STOPPED, holder=None, lease_until=None)
    Bot.objects.filter(pk=bot.pk).update(created_at=timezone.now() - PATIENCE)
    platform.connections.respond(json=counted(0))
    finding = look(bot)[Check.CONNECTIONS]
    assert finding.result is CheckResult.WARNING
    assert finding.cause.en_us == "0 of 1 are up: No process holds this connection"
    assert "runfeishu" in finding.cure.en_us


def test_socket_of_a_process_that_hangs_is_not_called_another_programs(bot, platform):
    bot.slots.update(state=SlotState.CONNECTED, lease_until=timezone.now() - timedelta(minutes=1))
    Bot.objects.filter(pk=bot.pk).update(created_at=timezone.now() - PATIENCE)
    platform.connections.respond(json=counted(1))
    finding = look(bot)[Check.CONNECTIONS]
    assert finding.result is CheckResult.WARNING
    assert finding.cause.en_us == "0 of 1 are up: No process holds this connection"


def test_program_beside_a_process_that_hangs_is_told_from_it(bot, platform):
    bot.slots.update(state=SlotState.CONNECTED, lease_until=timezone.now() - timedelta(minutes=1))
    platform.connections.respond(json=counted(2))
    assert "counts 2 connections of this app" in look(bot)[Check.CONNECTIONS].cause.en_us


def test_program_beside_a_portal_that_never_connected_is_named(bot, platform):
    bot.slots.update(state=SlotState.STOPPED, holder=None, lease_until=None)
    Bot.objects.filter(pk=bot.pk).update(created_at=timezone.now() - PATIENCE)
    platform.connections.respond(json=counted(1))
    assert "the portal holds 0" in look(bot)[Check.CONNECTIONS].cause.en_us


def test_connection_that_is_being_opened_is_waited_for(bot, platform):
    bot.slots.update(state=SlotState.CONNECTING)
    platform.connections.respond(json=counted(0))
    finding = look(bot)[Check.CONNECTIONS]
    assert finding.result is CheckResult.WAITING
    assert finding.cause.en_us == "0 of 1 are up"


@pytest.mark.parametrize("count", [0, 2])
def test_difference_that_may_be_over_in_a_minute_is_not_called_wrong(bot, platform, count):
    connect_slots(bot.slots, connected_at=timezone.now())
    platform.connections.respond(json=counted(count))
    assert look(bot)[Check.CONNECTIONS].result is CheckResult.UNKNOWN


def test_leftover_of_a_connection_that_was_just_lost_is_no_other_program(bot, platform):
    ConnectionLoss.objects.create(bot=bot, number=1, at=timezone.now(), reason=LossReason.NETWORK)
    platform.connections.respond(json=counted(2))
    assert look(bot)[Check.CONNECTIONS].result is CheckResult.UNKNOWN


def test_connection_in_error_is_explained_by_its_last_code(bot, platform):
    bot.slots.update(state=SlotState.ERROR, error_code=1000040350)
    platform.connections.respond(json=counted(0))
    finding = look(bot)[Check.CONNECTIONS]
    assert (finding.result, finding.code) == (CheckResult.WARNING, 1000040350)
    assert "reached its number" in finding.cause.en_us


def test_disabled_bot_needs_no_connection(bot, platform):
    Bot.objects.filter(pk=bot.pk).update(enabled=False)
    bot.slots.update(state=SlotState.STOPPED)
    platform.connections.respond(json=counted(0))
    assert look(bot)[Check.CONNECTIONS].result is CheckResult.OK


@pytest.mark.parametrize("answer", [{"code": 0, "data": {}}, {"code": 99991201, "msg": "api not found"}])
def test_platform_that_does_not_count_leaves_it_unknown(bot, platform, answer):
    platform.connections.respond(json=answer)
    assert look(bot)[Check.CONNECTIONS].result is CheckResult.UNKNOWN


def test_connections_that_open_during_the_examination_of_a_new_bot_are_seen_later(bot, platform):
    bot.slots.update(state=SlotState.CONNECTING, lease_until=None, connected_at=None)
    platform.connections.respond(json=counted(0))
    examine_due(bot.pk)
    assert states_now(bot)[Check.CONNECTIONS].finding.result is not CheckResult.OK
    connect_slots(bot.slots, connected_at=timezone.now())
    assert states_now(bot)[Check.CONNECTIONS].finding.result is CheckResult.OK


def test_connections_that_are_up_say_nothing_of_another_program_that_takes_events(bot, platform):
    connect_slots(bot.slots, connected_at=timezone.now())
    assert [one.finding.check for one in opened(bot)] == [Check.CONNECTIONS]
    PlatformCount.objects.create(bot=bot, next_check_at=timezone.now(), more_counts=2)
    assert not list(opened(bot))


def test_some_of_the_connections_are_not_all(platform):
    bot = make_bot(slot_count=2)
    connect_slots(bot.slots.filter(number=1), connected_at=timezone.now())
    assert not list(opened(bot))
