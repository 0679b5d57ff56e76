"""Who takes care of an incident: whom it can be assigned to, and who is told."""

import pytest
from django.utils import timezone

from bots.incidents.assignment import assign, assignable
from bots.models import Incident, Notice
from core.access.actors import Actor
from core.access.models import AuditEntry, User
from core.access.roles import Role
from tests.bots.incidents.people import make_person, make_troubled, notify_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def lin() -> User:
    return make_person("lin")


@pytest.fixture
def incident(lin: User) -> Incident:
    make_troubled(lin)
    notify_all()
    return Incident.objects.get()


def actions() -> list[str]:
    return list(AuditEntry.objects.filter(action__startswith="incident.").values_list("action", flat=True))


def test_it_is_assigned_to_who_sees_the_bot_and_may_change_it(incident, lin):
    root = make_person("root", superuser=True)
    make_person("stranger")
    viewer = make_person("viewer", role=Role.VIEWER)
    incident.bot.owners.add(viewer)
    assert list(assignable(incident)) == [lin, root]


def test_who_takes_it_is_written_down_and_told_nothing_new(incident, lin):
    assert assign(incident, lin, actor=Actor.operator(lin))
    assert not assign(incident, lin, actor=Actor.operator(lin))
    incident.refresh_from_db()
    assert incident.assignee == lin
    assert actions() == ["incident.taken"]
    assert Notice.objects.count() == 1


def test_who_is_named_by_somebody_else_is_told(incident, lin):
    root = make_person("root", superuser=True)
    assert assign(incident, root, actor=Actor.operator(lin))
    assert Notice.objects.get(user=root).due_at is not None
    assert actions() == ["incident.assigned"]
    assert assign(incident, None, actor=Actor.operator(lin))
    assert not assign(incident, None, actor=Actor.operator(lin))
    incident.refresh_from_db()
    assert incident.assignee is None


def test_incident_that_is_over_is_taken_by_nobody(incident, lin):
    Incident.objects.update(closed_at=timezone.now())
    assert not assign(incident, lin, actor=Actor.operator(lin))
    assert actions() == []
