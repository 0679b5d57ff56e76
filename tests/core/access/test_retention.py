"""Audit entries and expired logins go when they have had their time."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from core.access.actors import SYSTEM
from core.access.models import AuditEntry, OperatorSession
from core.access.sessions import digest
from core.access.tasks import prune
from tests.factories import make_operator

pytestmark = pytest.mark.django_db


def add_entry(*, days: float) -> AuditEntry:
    at = timezone.now() - timedelta(days=days)
    return AuditEntry.objects.create(actor=str(SYSTEM), action="bot.updated", at=at)


def test_audit_entries_are_kept_for_as_long_as_the_setting_says(settings):
    settings.AUDIT_DAYS = 30
    add_entry(days=30.1)
    kept = add_entry(days=29.9)
    prune()
    assert list(AuditEntry.objects.all()) == [kept]


def test_expired_logins_go_and_others_stay_signed_in():
    signed_in = Client()
    signed_in.force_login(make_operator())
    Client().force_login(make_operator())
    current = digest(signed_in.session.session_key)
    OperatorSession.objects.exclude(pk=current).update(expire_date=timezone.now() - timedelta(seconds=1))
    prune()
    assert [session.pk for session in OperatorSession.objects.all()] == [current]
    assert signed_in.get("/admin/").status_code == 200
