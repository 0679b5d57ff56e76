import pytest

from core.access.models import AuditEntry
from core.console import paging
from core.console.paging import BoundedPaginator

pytestmark = pytest.mark.django_db


@pytest.fixture
def five(monkeypatch: pytest.MonkeyPatch) -> list[AuditEntry]:
    monkeypatch.setattr(paging, "MAX_COUNT", 4)
    return [AuditEntry.objects.create(actor="system:portal", action="test") for _ in range(5)]


def test_list_is_counted_as_far_as_it_can_be_paged(five) -> None:
    pages = BoundedPaginator(AuditEntry.objects.order_by("pk"), 2)

    assert (pages.count, pages.num_pages) == (4, 2)
    assert str(pages.counted) == "4+"


def test_short_list_is_counted_whole(five) -> None:
    pages = BoundedPaginator(AuditEntry.objects.filter(pk__lte=five[2].pk).order_by("pk"), 2)

    assert (pages.count, str(pages.counted)) == (3, "3")


def test_rows_that_are_no_query_are_counted_as_they_are(five) -> None:
    assert str(BoundedPaginator(five, 2).counted) == "5"
