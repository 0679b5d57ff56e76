from uuid import uuid4

import pytest

from bots.incidents.clocks import wrong_clocks
from bots.incidents.detection import detect
from bots.models import FleetProcess, Incident
from core.database.clock import DatabaseTime

pytestmark = pytest.mark.django_db


def process(offset, name="app-1:1", seen=0.0) -> FleetProcess:
    return FleetProcess.objects.create(
        id=uuid4(), name=name, seen_at=DatabaseTime(-seen), capacity=1, clock_offset=offset
    )


@pytest.mark.parametrize(("offset", "words"), [(2700.0, "45 min behind"), (-2700.0, "45 min ahead of")])
def test_machine_whose_clock_is_off_is_an_incident_until_it_is_right(offset, words):
    process(offset, "app-1:1")
    detect()
    incident = Incident.objects.get()
    assert words in incident.explanation.cause.en_us
    assert "app-1" in incident.headline
    FleetProcess.objects.update(clock_offset=0.0)
    detect()
    incident.refresh_from_db()
    assert incident.recovered_at


@pytest.mark.parametrize("offset", [None, 0.0, 59.0, -59.0])
def test_clock_within_a_minute_is_none(offset):
    process(offset)
    assert list(wrong_clocks()) == []


def test_processes_of_one_machine_are_one_incident():
    process(600.0)
    process(600.0, "app-1:2")
    process(600.0, "app-2:1")
    assert len(list(wrong_clocks())) == 2


def test_restart_of_a_process_is_no_new_incident():
    process(600.0)
    detect()
    FleetProcess.objects.all().delete()
    process(600.0, "app-1:2")
    detect()
    assert Incident.objects.get().recovered_at is None


def test_process_that_is_gone_says_nothing():
    process(600.0, seen=600.0)
    assert list(wrong_clocks()) == []
