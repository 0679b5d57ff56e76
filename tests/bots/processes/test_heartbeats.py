from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bots.enums import ProcessHealth, ProcessKind, ProcessPart, ProcessRole
from bots.models import FleetProcess
from bots.processes.heartbeats import ThisProcess, begin_watch, forget_gone, note_end, note_heartbeat
from core import __version__
from tests.bots.processes.fleets import heard

pytestmark = pytest.mark.django_db


@pytest.fixture
def me() -> ThisProcess:
    return ThisProcess(ProcessKind.WORKER, (ProcessRole.WORK,), name="app-1:4711")


def row_of(me: ThisProcess) -> FleetProcess:
    return FleetProcess.objects.with_age().get(pk=me.id)


def test_heartbeat_says_what_the_process_is_and_how_it_fares(me):
    note_heartbeat(me, stalled=[], seconds_since_pass=4.0)
    row = row_of(me)
    assert (row.kind, row.name, row.version, row.roles) == ("worker", "app-1:4711", __version__, ["work"])
    assert row.pid == me.pid
    assert row.health == ProcessHealth.WORKING
    assert abs((row.seen_at - row.worked_at).total_seconds() - 4) < 2


def test_heartbeat_takes_one_statement(me):
    note_heartbeat(me, stalled=[], seconds_since_pass=None)
    with CaptureQueriesContext(connection) as queries:
        note_heartbeat(me, stalled=[], seconds_since_pass=1.0)
    assert len(queries) == 1


def test_process_with_a_part_that_stands_still_is_no_silent_one(me):
    note_heartbeat(me, stalled=[ProcessPart.HANDLERS], seconds_since_pass=None)
    assert row_of(me).health == ProcessHealth.STALLED
    FleetProcess.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
    assert row_of(me).health == ProcessHealth.SILENT
    note_end(me.id)
    assert row_of(me).health == ProcessHealth.STOPPED


def test_process_that_holds_connections_lives_by_the_renewal_of_its_leases():
    me = ThisProcess(ProcessKind.RUNFEISHU, (ProcessRole.LISTEN,))
    note_heartbeat(me, stalled=[], seconds_since_pass=None)
    FleetProcess.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
    note_heartbeat(me, stalled=[ProcessPart.CONNECTIONS], seconds_since_pass=None)
    row = row_of(me)
    assert (row.health, row.stalled) == (ProcessHealth.SILENT, ["connections"])


def test_one_process_at_a_time_looks_for_what_nobody_does(me):
    other = ThisProcess(ProcessKind.WEB)
    for one in (me, other):
        note_heartbeat(one, stalled=[], seconds_since_pass=None)
    assert begin_watch(me)
    assert not begin_watch(other)
    assert not begin_watch(me)
    FleetProcess.objects.update(watched_at=timezone.now() - timedelta(minutes=1))
    assert begin_watch(other)


def test_process_that_is_long_gone_leaves_no_row(me):
    note_heartbeat(me, stalled=[], seconds_since_pass=None)
    heard(ProcessKind.BEAT, seconds_ago=7_200)
    forget_gone()
    assert [row.pk for row in FleetProcess.objects.all()] == [me.id]
