import pytest

from core.access.models import AuditEntry
from core.database.counts import BoundedCount, count_up_to

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("most", "counted"), [(2, BoundedCount(2, is_more=True)), (3, BoundedCount(3)), (10, BoundedCount(3))]
)
def test_rows_are_counted_up_to_the_bound_in_one_statement(most, counted, django_assert_num_queries):
    AuditEntry.objects.bulk_create(AuditEntry(actor="system:portal", action="test") for _ in range(3))
    with django_assert_num_queries(1):
        assert count_up_to(AuditEntry.objects.order_by("actor"), most) == counted


def test_count_says_when_there_are_more():
    assert str(BoundedCount(10_000, is_more=True)) == "10,000+"
    assert str(BoundedCount(1_234)) == "1,234"
