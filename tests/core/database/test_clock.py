from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.models import SignInAttempts
from core.database.clock import DatabaseTime

pytestmark = pytest.mark.django_db


def read(ahead: float = 0.0):
    return SignInAttempts.objects.annotate(now=DatabaseTime(ahead)).values_list("now", flat=True).get()


@pytest.fixture(autouse=True)
def a_row(db):
    SignInAttempts.objects.create(subject="test")


@pytest.mark.parametrize("ahead", [0.0, 90.0, -90.0, 0.25])
def test_moment_is_as_far_away_as_asked_for(ahead):
    before = timezone.now()
    moment = read(ahead) - timedelta(seconds=ahead)
    after = timezone.now()

    # The server is on this machine; SQLite knows milliseconds only.
    assert before - timedelta(milliseconds=2) <= moment <= after + timedelta(milliseconds=2)


def test_clock_goes_on_within_a_transaction():
    first = read()
    deadline = timezone.now() + timedelta(seconds=10)
    while read() == first:
        assert timezone.now() < deadline


def test_stored_moment_compares_with_those_that_django_writes():
    SignInAttempts.objects.update(last_at=DatabaseTime(-60))

    assert SignInAttempts.objects.filter(last_at__lt=timezone.now() - timedelta(seconds=50)).exists()
    assert not SignInAttempts.objects.filter(last_at__lt=timezone.now() - timedelta(seconds=70)).exists()
    assert SignInAttempts.objects.filter(last_at__lt=DatabaseTime()).exists()
