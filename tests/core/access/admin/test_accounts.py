from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from core.access.models import AuditEntry, User
from tests.console.rows import page_of, text_of

PASSWORD = "a long enough pass phrase"


def test_added_operator_can_sign_in_and_is_audited_without_the_password(as_superuser: Client) -> None:
    form = {
        "username": "lin",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "is_staff": "on",
    }
    assert as_superuser.post(reverse("admin:access_user_add"), form).status_code == 302
    user = User.objects.get(username="lin")
    assert user.is_staff
    assert user.check_password(PASSWORD)
    entry = AuditEntry.objects.get(action="operator.created")
    assert (entry.actor, entry.target, entry.detail["changed"]) == (
        "operator:root",
        "lin",
        ["is_staff", "username"],
    )


def test_changed_rights_are_audited_by_name(owner: User, as_superuser: Client) -> None:
    form = {"username": "owner", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    as_superuser.post(page_of("access_user", owner), form)
    assert User.objects.get(pk=owner.pk).is_superuser
    assert AuditEntry.objects.get(action="operator.updated").detail == {"changed": ["is_superuser"]}


def test_password_set_for_an_operator_is_audited(owner: User, as_superuser: Client) -> None:
    address = reverse("admin:auth_user_password_change", args=[owner.pk])
    as_superuser.post(address, {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD})
    assert User.objects.get(pk=owner.pk).check_password(PASSWORD)
    assert AuditEntry.objects.get(action="operator.password_set").target == "owner"


def test_deleted_operator_is_audited(owner: User, as_superuser: Client) -> None:
    as_superuser.post(page_of("access_user", owner, "delete"), {"post": "yes"})
    assert not User.objects.filter(pk=owner.pk).exists()
    assert AuditEntry.objects.get(action="operator.deleted").target == "owner"


def test_only_rights_that_mean_something_are_offered(as_superuser: Client) -> None:
    group = Group.objects.create(name="Support")
    html = text_of(as_superuser.get(page_of("auth_group", group)))
    assert html.count('name="permissions"') == 2
    assert "Delete own bots" in html


def test_operator_cannot_give_rights(owner: User, as_owner: Client) -> None:
    answer = as_owner.post(page_of("access_user", owner), {"username": "owner", "is_superuser": "on"})
    assert answer.status_code == 403
    assert not User.objects.get(pk=owner.pk).is_superuser


def test_operator_changes_the_own_password(owner: User, as_owner: Client) -> None:
    owner.set_password("correct horse")
    owner.save()
    as_owner.force_login(owner)
    form = {"old_password": "correct horse", "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert as_owner.post(reverse("admin:password_change"), form).status_code == 302
    assert User.objects.get(pk=owner.pk).check_password(PASSWORD)
