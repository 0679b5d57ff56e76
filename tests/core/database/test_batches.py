from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.models import AuditEntry
from core.database.batches import Deleted, delete_in_batches

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries() -> list[int]:
    old = timezone.now() - timedelta(days=40_000)  # others the database would keep
    AuditEntry.objects.bulk_create(
        AuditEntry(actor="system:portal", action=f"test.{number}", at=old) for number in range(7)
    )
    return list(AuditEntry.objects.order_by("pk").values_list("pk", flat=True))


def rows():
    return AuditEntry.objects.order_by("pk")


def test_everything_goes_batch_by_batch_and_each_is_told(entries):
    sizes: list[int] = []
    assert delete_in_batches(rows(), size=3, on_progress=sizes.append) == Deleted(7, is_all=True)
    assert sizes == [3, 3, 1]
    assert not AuditEntry.objects.exists()


def test_rows_that_do_not_match_stay(entries):
    assert delete_in_batches(rows().filter(pk__lte=entries[2]), size=2).count == 3
    assert list(rows().values_list("pk", flat=True)) == entries[3:]


def test_time_that_is_up_ends_it_after_the_first_batch_with_the_oldest_gone(entries):
    assert delete_in_batches(rows(), size=3, seconds=0) == Deleted(3, is_all=False)
    assert list(rows().values_list("pk", flat=True)) == entries[3:]


def test_nothing_to_delete_is_all():
    assert delete_in_batches(rows(), size=3) == Deleted(0, is_all=True)


def test_own_way_of_deleting_takes_the_place_of_the_cascade(entries):
    asked: list[list[int]] = []

    def delete(pks) -> int:
        asked.append(list(pks))
        return AuditEntry.objects.filter(pk__in=pks).delete()[0]

    assert delete_in_batches(rows(), size=5, delete=delete) == Deleted(7, is_all=True)
    assert asked == [entries[:5], entries[5:]]


def test_rows_that_have_to_stay_are_passed_over(entries):
    kept = {entries[0], entries[1], entries[5]}

    def delete(pks) -> int:
        return AuditEntry.objects.filter(pk__in=set(pks) - kept).delete()[0]

    assert delete_in_batches(rows(), size=2, delete=delete) == Deleted(4, is_all=True)
    assert set(rows().values_list("pk", flat=True)) == kept
