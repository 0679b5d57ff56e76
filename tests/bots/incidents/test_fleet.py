"""What nobody does is one incident of the installation, and superusers hear of it although no worker runs."""

from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone, translation

from bots.enums import ProcessKind
from bots.incidents.causes import cause_named
from bots.incidents.fleet import CAUSES, tell_people, watch_fleet
from bots.models import Bot, FleetProcess, Incident, Notice
from core.access.models import User
from tests.bots.incidents.outages import pass_time
from tests.bots.processes.fleets import heard
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db

LONG = 3_600.0


@pytest.fixture(autouse=True)
def boss(settings) -> User:
    settings.EMAIL_IS_SET_UP = True
    boss = make_operator(superuser=True)
    boss.email, boss.language = "boss@example.com", "en"
    boss.save()
    return boss


@pytest.fixture(autouse=True)
def bots() -> list[Bot]:
    return [make_bot() for _ in range(3)]


def open_causes() -> set[str]:
    return set(Incident.objects.open().values_list("cause", flat=True))


def test_each_thing_that_nobody_does_is_one_incident_however_often_it_is_found(bots):
    heard(ProcessKind.RUNFEISHU)
    for _ in range(2):
        watch_fleet(watched_seconds=LONG)
    assert open_causes() == {"no_worker", "no_scheduler"}
    assert Incident.objects.count() == 2
    assert set(Incident.objects.values_list("bot", "owner")) == {(None, None)}


def test_superusers_are_written_to_by_whoever_found_it():
    people = watch_fleet(watched_seconds=LONG)
    assert len(people) == 1
    tell_people(people)
    [message] = mail.outbox
    assert message.to == ["boss@example.com"]
    for word in ("runfeishu", "worker", "beat"):
        assert f"No {word} is running" in message.body
    assert watch_fleet(watched_seconds=LONG) == []  # a worker that is back sends none of them again
    assert not Notice.objects.filter(due_at__lte=timezone.now()).exists()


def test_incident_ends_when_somebody_does_it_again():
    watch_fleet(watched_seconds=LONG)
    heard(ProcessKind.RUNPORTAL)
    watch_fleet(watched_seconds=LONG)
    pass_time()
    watch_fleet(watched_seconds=LONG)
    assert open_causes() == set()


def test_process_that_has_just_begun_to_watch_closes_and_opens_nothing():
    assert watch_fleet(watched_seconds=0) == []
    assert open_causes() == set()
    heard(ProcessKind.RUNFEISHU)
    watch_fleet(watched_seconds=LONG)
    pass_time()
    watch_fleet(watched_seconds=0)
    assert open_causes() == {"no_worker", "no_scheduler"}


def test_what_is_not_needed_any_more_ends_without_a_notice(bots):
    watch_fleet(watched_seconds=LONG)
    Bot.objects.update(enabled=False)
    watch_fleet(watched_seconds=LONG)
    assert open_causes() == set()
    assert not Notice.objects.exclude(due_at=None).exists()


def test_process_that_is_back_before_anybody_had_to_be_told_is_no_incident(settings):
    settings.ALERT_SECONDS = 120
    heard(ProcessKind.RUNPORTAL, seconds_ago=100)
    watch_fleet(watched_seconds=LONG)
    FleetProcess.objects.update(seen_at=timezone.now())
    watch_fleet(watched_seconds=LONG)
    assert not Incident.objects.exists()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_cause_has_its_words_and_leads_to_the_processes(language):
    began_at = timezone.now() - timedelta(minutes=3)
    for cause in CAUSES.values():
        incident = Incident(cause=cause.name, subject="beat", began_at=began_at)
        with translation.override(language):
            assert "beat" in incident.headline
            assert incident.explanation.cure
        assert reverse(cause_named(cause.name).page)
