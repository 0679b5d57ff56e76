import threading

import pytest
from django.db import connection, transaction

from core.access.administrators import is_last_administrator
from core.access.models import User
from core.access.roles import Role
from tests.factories import make_operator


@pytest.mark.django_db
def test_only_an_administrator_who_may_sign_in_counts():
    first = make_operator(role=Role.ADMINISTRATOR)
    other = make_operator(role=Role.AUDITOR)
    assert is_last_administrator(first.pk)
    assert not is_last_administrator(other.pk)
    second = make_operator(role=Role.ADMINISTRATOR)
    assert not is_last_administrator(first.pk)
    User.objects.filter(pk=second.pk).update(is_active=False)
    assert is_last_administrator(first.pk)


@pytest.mark.only_on("postgres")
@pytest.mark.django_db(transaction=True)
def test_of_two_who_demote_each_other_one_stays():
    pks = [make_operator(role=Role.ADMINISTRATOR).pk for _ in range(2)]
    at_once = threading.Barrier(2)

    def demote(pk: int) -> None:
        try:
            at_once.wait(60)
            with transaction.atomic():
                if not is_last_administrator(pk):
                    User.objects.filter(pk=pk).update(role=Role.OPERATOR, is_superuser=False)
        finally:
            connection.close()

    threads = [threading.Thread(target=demote, args=(pk,)) for pk in pks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert User.objects.filter(role=Role.ADMINISTRATOR).count() == 1
