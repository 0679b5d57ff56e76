"""A silence puts notices off for a day, holds for one kind of cause, and stands in the audit log with who asked for it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bots.incidents.detection import detect
from bots.incidents.notices import due_people
from bots.incidents.repairs import problem_of
from bots.incidents.silences import DAY, end_silence, silence, silence_of
from bots.models import Bot, Incident, Notice, ProblemSilence
from bots.retention import overdue
from core.access.actors import SYSTEM, Actor
from core.access.models import AuditEntry, User
from tests.bots.incidents.people import make_person, make_troubled
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def mail(settings) -> None:
    settings.EMAIL_IS_SET_UP = True


@pytest.fixture
def owner() -> User:
    return make_person("lin")


@pytest.fixture
def incident(owner) -> Incident:
    make_troubled(owner)
    detect()
    return Incident.objects.get()


def test_notice_that_was_not_sent_waits_for_the_end_of_the_silence(incident, owner):
    assert due_people() == [(owner.pk, "email")]
    silence(problem_of(incident), actor=SYSTEM)
    assert due_people() == []
    assert Notice.objects.get().due_at > timezone.now() + DAY / 2
    end_silence(problem_of(incident), actor=SYSTEM)
    assert due_people() == [(owner.pk, "email")]


def test_incident_that_comes_back_during_a_silence_is_not_told_before_its_end(incident):
    silence(problem_of(incident), actor=SYSTEM)
    Incident.objects.update(closed_at=timezone.now())
    detect()
    again = Incident.objects.open().get()
    assert silence_of(again) is not None
    assert again.notices.get().due_at > timezone.now() + DAY / 2


def test_another_kind_of_cause_ends_the_silence_and_is_told_at_once(incident, owner):
    silence(problem_of(incident), actor=SYSTEM)
    Bot.objects.get().slots.update(error_code=None, error_reason="dns")
    Incident.objects.update(closed_at=timezone.now())
    detect()
    assert not ProblemSilence.objects.exists()
    assert due_people() == [(owner.pk, "email")]


def test_another_code_of_the_same_open_incident_ends_the_silence(incident):
    silence(problem_of(incident), actor=SYSTEM)
    Bot.objects.get().slots.update(error_code=1000040344)
    detect()
    assert Incident.objects.get().code == 1000040344
    assert not ProblemSilence.objects.exists()
    assert Notice.objects.get().due_at <= timezone.now()


def test_silence_of_one_bot_is_none_of_another(incident, owner):
    silence(problem_of(incident), actor=SYSTEM)
    other = Incident.objects.create(bot=make_bot(), cause=incident.cause, began_at=timezone.now())
    assert silence_of(other) is None


def test_audit_log_has_who_silenced_what_and_who_ended_it(incident, owner):
    problem = problem_of(incident)
    for do in (silence, end_silence, end_silence):
        do(problem, actor=Actor.operator(owner))
    entries = AuditEntry.objects.filter(action__startswith="problem.").order_by("pk")
    assert [(one.actor, one.action, one.bot_id, one.target) for one in entries] == [
        ("operator:lin", "problem.silenced", incident.bot_id, "Helper"),
        ("operator:lin", "problem.unsilenced", incident.bot_id, "Helper"),
    ]


def test_silence_that_is_over_is_cleared_away(incident):
    silence(problem_of(incident), actor=SYSTEM)
    assert not overdue()["silenced problems"].exists()
    ProblemSilence.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert silence_of(incident) is None
    assert overdue()["silenced problems"].exists()
