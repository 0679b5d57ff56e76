"""One beat of the heartbeat of a process, and what it finds."""

import logging

import pytest
from django.db import OperationalError

from bots.enums import ProcessHealth, ProcessKind, ProcessRole
from bots.models import FleetProcess
from bots.processes.heartbeats import ThisProcess
from core.background.vitals import Vitals
from core.installation.state import Cause, PortalState
from feishu_portal.runtime import pulse as module
from feishu_portal.runtime.pulse import EVERY, Pulse
from tests.events.handler_runs import until


@pytest.fixture
def watched(monkeypatch) -> list[float]:
    """For how long this process had been watching whenever it looked for what nobody does."""
    looks: list[float] = []

    def look(*, watched_seconds: float) -> list[tuple[int, str]]:
        looks.append(watched_seconds)
        return []

    monkeypatch.setattr(module, "watch_fleet", look)
    return looks


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1_000.0

        def monotonic(self) -> float:
            return self.now

    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def own(monkeypatch, clock) -> Vitals:
    made = Vitals(clock=clock.monotonic)
    monkeypatch.setattr(module, "vitals", made)
    return made


@pytest.fixture
def pulse(own) -> Pulse:
    return Pulse(ThisProcess(ProcessKind.WORKER, (ProcessRole.WORK,)))


def look_again() -> None:
    FleetProcess.objects.update(watched_at=None)


@pytest.mark.django_db
def test_beats_say_that_the_process_lives_and_look_for_what_nobody_does(pulse, clock, watched):
    for _ in range(3):
        pulse.beat()
        look_again()
        clock.now += EVERY
    assert FleetProcess.objects.get().health == ProcessHealth.WORKING
    assert watched == [0, EVERY, 2 * EVERY]


@pytest.mark.django_db
def test_part_that_stands_still_is_logged_once_and_stands_in_the_row(pulse, own, clock, watched, caplog):
    own.expect("handlers", within=90)
    pulse.beat()
    clock.now += 91
    pulse.beat()
    pulse.beat()
    assert FleetProcess.objects.get().stalled == ["handlers"]
    own.passed("handlers")
    pulse.beat()
    assert FleetProcess.objects.get().stalled == []
    said = [record.message for record in caplog.records if record.name == module.logger.name]
    assert said == ["process_stands_still", "process_goes_on"]


@pytest.mark.django_db
def test_process_that_slept_gives_the_others_time(pulse, clock, watched):
    pulse.beat()
    look_again()
    clock.now += 600
    pulse.beat()
    assert watched == [0, 0]


@pytest.mark.django_db
def test_after_an_outage_of_the_database_the_others_are_given_time(pulse, clock, watched, monkeypatch):
    pulse.beat()
    look_again()
    note, closed = module.note_heartbeat, []

    def refuse(*_arguments: object, **_values: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(module, "note_heartbeat", refuse)
    monkeypatch.setattr(module, "close_own", lambda: closed.append(True))
    clock.now += EVERY
    pulse.beat()
    assert closed
    monkeypatch.setattr(module, "note_heartbeat", note)
    clock.now += EVERY
    pulse.beat()
    assert watched == [0, 0]


@pytest.mark.django_db
def test_passive_portal_misses_nobody(pulse, watched, monkeypatch):
    monkeypatch.setattr(module.state, "judge", lambda: PortalState(Cause.SETTING))
    pulse.beat()
    assert watched == []


@pytest.mark.django_db
def test_trouble_of_any_kind_ends_no_heartbeat(pulse, monkeypatch, caplog):
    def fail(*, watched_seconds: float) -> None:
        raise RuntimeError(watched_seconds)

    monkeypatch.setattr(module, "watch_fleet", fail)
    pulse.beat()
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == [
        "heartbeat_failed"
    ]


@pytest.mark.django_db(transaction=True)
def test_process_beats_on_its_thread_tells_people_beside_it_and_says_that_it_ended(monkeypatch):
    told: list[list[tuple[int, str]]] = []
    monkeypatch.setattr(module, "STOP_SECONDS", 60)
    monkeypatch.setattr(module, "watch_fleet", lambda *, watched_seconds: [(7, "email")])
    monkeypatch.setattr(module, "tell_people", told.append)
    one = Pulse(ThisProcess(ProcessKind.WEB), has_children=True)
    one.start()
    until(lambda: told == [[(7, "email")]], "people are told")
    until(lambda: not one._telling.locked(), "the telling is over")
    one.stop()
    row = FleetProcess.objects.get()
    assert (row.kind, row.health) == ("web", ProcessHealth.STOPPED)
