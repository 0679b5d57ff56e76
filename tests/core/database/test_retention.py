"""Rows that have had their time are counted and deleted, kind by kind."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from core.database import retention
from core.database.batches import Deleted
from core.database.counts import BoundedCount
from core.database.retention import Overdue, count_overdue, make_room, prune

pytestmark = pytest.mark.django_db


@pytest.fixture
def overdue(settings) -> Overdue:
    long_ago = timezone.now() - timedelta(days=settings.AUDIT_DAYS + 1)
    for action in ("bot.updated", "bot.updated", "bot.deleted"):
        AuditEntry.objects.create(actor=str(SYSTEM), action=action, at=long_ago)
    rows = AuditEntry.objects.order_by("pk")
    return {
        "updates": rows.filter(action="bot.updated"),
        "deletions": rows.filter(action="bot.deleted"),
        "creations": rows.filter(action="bot.created"),
    }


def test_each_kind_is_counted_within_a_bound(overdue, monkeypatch):
    monkeypatch.setattr(retention, "MAX_COUNTED", 1)
    assert count_overdue(overdue) == {
        "updates": BoundedCount(1, is_more=True),
        "deletions": BoundedCount(1),
        "creations": BoundedCount(0),
    }


def test_each_kind_is_deleted_and_told_of_where_there_was_any(overdue, caplog):
    caplog.set_level(logging.INFO)
    sizes: list[int] = []
    assert prune(overdue, on_progress=sizes.append) == {
        "updates": Deleted(2, is_all=True),
        "deletions": Deleted(1, is_all=True),
        "creations": Deleted(0, is_all=True),
    }
    assert sizes == [2, 1]
    assert [(one.kind, one.count) for one in caplog.records if one.message == "rows_pruned"] == [
        ("updates", 2),
        ("deletions", 1),
    ]
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(("most", "left"), [(4, 3), (3, 2), (1, 0)])
def test_room_is_made_for_one_more_by_the_first(overdue, most, left):
    rows = AuditEntry.objects.order_by("pk")
    kept = list(rows.values_list("pk", flat=True))[3 - left :]
    make_room(rows, most)
    assert list(rows.values_list("pk", flat=True)) == kept
