"""No statement changes or takes away what was written down, but retention and the end of an account."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from core.access import append_only, audit
from core.access.actors import SYSTEM, Actor
from core.access.models import ApiClient, AuditEntry
from core.access.tasks import prune
from tests.factories import make_operator

pytestmark = pytest.mark.django_db


def entry_of(*, days: float) -> AuditEntry:
    return AuditEntry.objects.create(
        actor="system:portal", action="bot.updated", at=timezone.now() - timedelta(days=days)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "operator:somebody"},
        {"detail": {}},
        {"at": datetime(2000, 1, 1, tzinfo=UTC)},
        {"action": "bot.created", "operator": None},
    ],
    ids="-".join,
)
def test_entry_is_not_changed(change):
    entry = audit.record(actor=Actor.operator(make_operator("lin")), action="bot.updated", changed=["name"])
    with pytest.raises(IntegrityError, match=append_only.MESSAGE), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(**change)
    assert AuditEntry.objects.get(pk=entry.pk).detail == {"changed": ["name"]}


def test_entry_does_not_come_to_be_somebody_elses():
    entry = audit.record(actor=Actor.operator(make_operator("lin")), action="bot.updated")
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(operator=make_operator("wang"))


def test_entry_is_not_deleted_before_its_time():
    entry = audit.record(actor=SYSTEM, action="bot.updated")
    with pytest.raises(IntegrityError, match=append_only.MESSAGE), transaction.atomic():
        entry.delete()
    assert AuditEntry.objects.filter(pk=entry.pk).exists()


@pytest.mark.only_on("postgres")
def test_log_is_not_truncated():
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {append_only.TABLE}")


@pytest.mark.only_on("sqlite")
def test_entry_is_not_replaced():
    entry = audit.record(actor=SYSTEM, action="bot.updated")
    columns = ", ".join(field.column for field in AuditEntry._meta.concrete_fields)
    replace = f"REPLACE INTO {append_only.TABLE} ({columns}) SELECT {columns} FROM {append_only.TABLE} WHERE id = %s"
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(replace, [entry.pk])


def test_accounts_can_go_and_their_entries_stay():
    lin, crm = make_operator("lin"), ApiClient.objects.create(name="CRM", key_hash="0")
    entries = [
        audit.record(actor=actor, action="bot.updated") for actor in (Actor.operator(lin), Actor.api(crm))
    ]
    lin.delete()
    crm.delete()
    for entry in entries:
        entry.refresh_from_db()
        assert (entry.operator_id, entry.client_id) == (None, None)


def test_retention_is_let_through_also_with_another_setting(settings):
    settings.AUDIT_DAYS = 30
    entry_of(days=31)
    kept = entry_of(days=29)
    prune()
    assert list(AuditEntry.objects.all()) == [kept]
    settings.AUDIT_DAYS = 365
    append_only.install()
    with pytest.raises(IntegrityError), transaction.atomic():
        entry_of(days=31).delete()


def test_triggers_that_are_there_are_left_alone(django_assert_max_num_queries):
    append_only.install()
    with django_assert_max_num_queries(5) as queries:
        append_only.install()
    assert not [query for query in queries.captured_queries if "CREATE" in query["sql"].upper()[:10]]
