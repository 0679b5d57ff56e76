"""``manage.py prunerecords``."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from core.access.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def old_entries() -> None:
    at = timezone.now() - timedelta(days=40_000)
    for _ in range(3):
        AuditEntry.objects.create(actor="system:portal", action="bot.updated", at=at)


def test_dry_run_counts_and_deletes_nothing(old_entries, capsys):
    call_command("prunerecords", "--dry-run")
    assert "audit entries: 3 would be deleted" in capsys.readouterr().out
    assert AuditEntry.objects.count() == 3


def test_every_kind_is_deleted_with_a_progress_bar(old_entries, capsys):
    call_command("prunerecords")
    said = capsys.readouterr()
    assert "audit entries: 3 deleted" in said.out
    assert "expired logins: 0 deleted" in said.out
    assert "Deleting" in said.err
    assert not AuditEntry.objects.exists()
