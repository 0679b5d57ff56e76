import pytest
from django.test import Client
from django.urls import reverse

from core.access.models import AuditEntry, User
from core.access.roles import Role
from tests.console.rows import page_of, signed_in, text_of
from tests.factories import make_operator

PASSWORD = "a long enough pass phrase"


def test_added_operator_can_sign_in_and_is_audited_without_the_password(as_superuser: Client) -> None:
    form = {
        "username": "lin",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "role": "operator",
    }
    assert as_superuser.post(reverse("admin:access_user_add"), form).status_code == 302
    user = User.objects.get(username="lin")
    assert (user.role, user.is_staff, user.is_superuser) == ("operator", True, False)
    assert user.check_password(PASSWORD)
    entry = AuditEntry.objects.get(action="operator.created")
    assert (entry.actor, entry.target, entry.detail["changed"]) == (
        "operator:root",
        "lin",
        ["role", "username"],
    )


def test_changed_role_is_audited_with_the_one_before(owner: User, as_superuser: Client) -> None:
    form = {"username": "owner", "is_active": "on", "role": "administrator"}
    as_superuser.post(page_of("access_user", owner), form)
    assert User.objects.get(pk=owner.pk).is_superuser
    assert AuditEntry.objects.get(action="operator.updated").detail == {
        "changed": ["role"],
        "values": {"role": ["operator", "administrator"]},
    }


def test_operator_without_a_role_is_not_stored(owner: User, as_superuser: Client) -> None:
    answer = as_superuser.post(
        page_of("access_user", owner), {"username": "owner", "is_active": "on", "role": ""}
    )
    assert answer.context["adminform"].form.errors["role"]


@pytest.mark.parametrize("form", [{"role": "operator", "is_active": "on"}, {"role": "administrator"}])
def test_last_administrator_stays_one(form: dict[str, str], superuser: User, as_superuser: Client) -> None:
    page = page_of("access_user", superuser)
    answer = as_superuser.post(page, {"username": "root", **form})
    assert answer.context["adminform"].form.errors["role"]
    make_operator("second", role=Role.ADMINISTRATOR)
    assert as_superuser.post(page, {"username": "root", **form}).status_code == 302


def test_last_administrator_is_not_deleted(superuser: User, as_superuser: Client) -> None:
    page = page_of("access_user", superuser, "delete")
    assert as_superuser.post(page, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=superuser.pk).exists()


def test_auditor_reads_operators_without_their_passwords(owner: User, db: None) -> None:
    auditor = signed_in(make_operator(role=Role.AUDITOR))
    html = text_of(auditor.get(page_of("access_user", owner)))
    assert "owner" in html
    assert "argon2" not in html
    assert (
        auditor.post(page_of("access_user", owner), {"username": "mine", "role": "viewer"}).status_code == 403
    )


def test_password_set_for_an_operator_is_audited(owner: User, as_superuser: Client) -> None:
    address = reverse("admin:auth_user_password_change", args=[owner.pk])
    as_superuser.post(address, {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD})
    assert User.objects.get(pk=owner.pk).check_password(PASSWORD)
    assert AuditEntry.objects.get(action="operator.password_set").target == "owner"


def test_deleted_operator_is_audited(owner: User, as_superuser: Client) -> None:
    as_superuser.post(page_of("access_user", owner, "delete"), {"post": "yes"})
    assert not User.objects.filter(pk=owner.pk).exists()
    assert AuditEntry.objects.get(action="operator.deleted").target == "owner"


def test_operator_cannot_give_roles(owner: User, as_owner: Client) -> None:
    answer = as_owner.post(page_of("access_user", owner), {"username": "owner", "role": "administrator"})
    assert answer.status_code == 403
    assert User.objects.get(pk=owner.pk).role == "operator"


def test_operator_changes_the_own_password(owner: User, as_owner: Client) -> None:
    owner.set_password("correct horse")
    owner.save()
    as_owner.force_login(owner)
    form = {"old_password": "correct horse", "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert as_owner.post(reverse("admin:password_change"), form).status_code == 302
    assert User.objects.get(pk=owner.pk).check_password(PASSWORD)
