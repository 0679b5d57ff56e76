"""A grant that is due, and passes of the refresher over it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.domain.refresh.refresher import Pass
from auth_sessions.enums import RefreshOutcome
from auth_sessions.models import RefreshGate, UserToken
from tests.factories import make_grant


@pytest.fixture
def grant(bot) -> UserToken:
    """A grant that is due."""
    return make_grant(bot, next_refresh_at=timezone.now() - timedelta(seconds=1))


def run(grant: UserToken) -> RefreshOutcome | None:
    outcomes = Pass().run()
    grant.refresh_from_db()
    return next(iter(outcomes), None)


def make_due(grant: UserToken) -> None:
    RefreshGate.objects.update(next_start_at=timezone.now() - timedelta(seconds=1))
    UserToken.objects.filter(pk=grant.pk).update(
        next_refresh_at=timezone.now() - timedelta(seconds=1), next_attempt_at=None
    )
    grant.refresh_from_db()
