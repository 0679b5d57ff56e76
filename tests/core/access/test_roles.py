import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from core.access.models import User
from core.access.roles import Role, for_every_role, may_send
from tests.factories import make_operator

pytestmark = pytest.mark.django_db

OWNED = "bots.{}_bot"
OF_PORTAL = "access.{}_apiclient"


@pytest.mark.parametrize(
    ("role", "owned", "of_portal"),
    [
        (Role.ADMINISTRATOR, "view add change delete", "view add change delete"),
        (Role.OPERATOR, "view add change delete", ""),
        (Role.AUDITOR, "view", "view"),
        (Role.VIEWER, "view", ""),
        ("", "", ""),
    ],
)
def test_role_decides_what_may_be_done(role, owned, of_portal):
    user = User.objects.create(username="lin", role=role)
    verbs = ("view", "add", "change", "delete")
    assert [verb for verb in verbs if user.has_perm(OWNED.format(verb))] == owned.split()
    assert [verb for verb in verbs if user.has_perm(OF_PORTAL.format(verb))] == of_portal.split()
    assert user.is_staff == bool(role)
    assert user.is_superuser == (role == Role.ADMINISTRATOR)


@pytest.mark.parametrize("permission", ["", "bots", "bots.fly_bot", "no.view_such", "bots.view_"])
def test_unknown_permission_is_nobodys_but_an_administrators(permission):
    assert not make_operator(role=Role.VIEWER).has_perm(permission)
    assert not make_operator(role=Role.AUDITOR).has_perm(permission)


def test_disabled_operator_may_nothing():
    user = make_operator(role=Role.ADMINISTRATOR)
    user.is_active = False
    assert not user.has_perm("bots.view_bot")
    assert not user.sees_everything
    assert not user.may_manage


def test_flags_that_contradict_the_role_are_not_stored():
    user = make_operator(role=Role.VIEWER)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_superuser=True)


def test_saved_role_takes_its_flags_along():
    user = make_operator(role=Role.ADMINISTRATOR)
    user.role = Role.AUDITOR
    user.save(update_fields=["role"])
    user.refresh_from_db()
    assert (user.is_staff, user.is_superuser) == (True, False)


def test_command_of_django_makes_an_administrator():
    call_command("createsuperuser", username="root", email="", interactive=False)
    assert User.objects.get(username="root").role == Role.ADMINISTRATOR


def test_forms_of_the_own_account_are_for_every_role():
    own = for_every_role(lambda: None)
    viewer = make_operator(role=Role.VIEWER)
    assert may_send(viewer, own)
    assert not may_send(viewer, lambda: None)
    assert may_send(make_operator(role=Role.OPERATOR), lambda: None)
