from datetime import timedelta

import pytest
from django.utils import timezone

from bots.doctor.findings import Check
from bots.enums import CheckResult, ProcessKind
from bots.models import Incident, StoredFinding
from tests.bots.processes.fleets import heard
from tests.core.metrics.scraping import read_now
from tests.factories import connect_slots, make_bot

pytestmark = pytest.mark.django_db(transaction=True)


def test_connections_are_told_as_the_console_shows_them():
    up, down = make_bot(), make_bot()
    off = make_bot(enabled=False)
    connect_slots(up.slots.all(), last_frame_at=timezone.now(), heartbeat_average=110.0)
    connections = read_now("feishu_connections")
    assert connections[up.app_id, "connected"] == up.slots.count()
    assert connections[down.app_id, "connected"] == 0
    assert (off.app_id, "connected") not in connections
    assert 0 <= read_now("feishu_connection_last_frame_age_seconds")[up.app_id,] < 600
    assert read_now("feishu_heartbeat_interval_seconds")[up.app_id,] == 110.0
    assert read_now("feishu_bots")["connected",] == 1


def test_row_that_a_dead_process_left_behind_is_no_connection():
    bot = make_bot()
    connect_slots(bot.slots.all())
    bot.slots.update(lease_until=timezone.now() - timedelta(minutes=1))
    assert read_now("feishu_connections")[bot.app_id, "connected"] == 0


def test_open_incidents_are_counted_by_cause():
    bot = make_bot()
    Incident.objects.create(bot=bot, cause="foreign", began_at=timezone.now())
    Incident.objects.create(bot=bot, cause="down", began_at=timezone.now(), closed_at=timezone.now())
    incidents = read_now("feishu_incidents_open")
    assert incidents["foreign",] == 1
    assert sum(incidents.values()) == 1


def test_enabled_bots_are_counted_by_what_is_wrong_with_their_configuration():
    found = [
        (make_bot(), CheckResult.WRONG),
        (make_bot(), CheckResult.WARNING),
        (make_bot(), CheckResult.OK),
        (make_bot(enabled=False), CheckResult.WRONG),
        (make_bot(deleted_at=timezone.now()), CheckResult.WRONG),
    ]
    for bot, result in found:
        StoredFinding.objects.create(
            bot=bot,
            check_name=Check.REDIRECT_URL,
            result=result,
            since=timezone.now(),
            looked_at=timezone.now(),
        )
    misconfigured = read_now("feishu_bots_misconfigured")
    assert misconfigured["redirect_url",] == 1
    assert sum(misconfigured.values()) == 1


def test_processes_are_counted_by_kind_and_state_with_the_age_of_the_newest_heartbeat():
    make_bot()
    heard(ProcessKind.WORKER)
    heard(ProcessKind.WORKER, seconds_ago=200)
    heard(ProcessKind.RUNFEISHU, seconds_ago=300)
    processes = read_now("feishu_processes")
    assert (processes["worker", "working"], processes["worker", "silent"]) == (1, 1)
    assert processes["runfeishu", "working"] == 0
    ages = read_now("feishu_process_last_heartbeat_age_seconds")
    assert ages["worker",] < 200 < ages["runfeishu",]
    assert read_now("feishu_roles_unfilled") == {
        ("listen",): 1,
        ("work",): 0,
        ("refresh",): 0,
        ("schedule",): 1,
    }
