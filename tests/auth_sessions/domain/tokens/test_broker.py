from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.domain.tokens.broker import report_rejected, request_reauthorization
from auth_sessions.enums import RefreshPhase, SessionState
from auth_sessions.models import UserToken
from core.access.actors import Actor
from tests.factories import make_client, make_grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(bot) -> UserToken:
    return make_grant(bot, authorized_at=timezone.now() - timedelta(hours=1))


def test_rejected_token_is_refreshed(grant, no_broker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert report_rejected(grant.pk, grant.generation) == grant
    grant.refresh_from_db()
    assert grant.next_refresh_at <= timezone.now()
    assert no_broker == ["refresh"]


def test_token_that_was_replaced_meanwhile_needs_no_refresh(grant):
    UserToken.objects.update(generation=2)
    assert report_rejected(grant.pk, 1).generation == 2
    assert UserToken.objects.get().next_refresh_at > timezone.now()


@pytest.mark.parametrize(
    "values",
    [
        {"refreshed_at": timezone.now() + timedelta(days=1)},
        {"phase": RefreshPhase.UNCERTAIN},
        {"phase": RefreshPhase.STOPPED},
    ],
    ids=["just issued", "uncertain", "stopped"],
)
def test_rejected_token_that_no_refresh_would_cure_has_no_successor(grant, values):
    UserToken.objects.update(**values)
    assert report_rejected(grant.pk, grant.generation) is None
    assert UserToken.objects.get().next_refresh_at > timezone.now()


def test_rejected_token_of_a_grant_that_is_gone_has_no_successor(grant):
    grant.delete()
    assert report_rejected(grant.pk, 1) is None


def test_client_gets_one_session_to_pass_on_until_that_ends(grant):
    client = make_client()
    first = request_reauthorization(grant, actor=Actor.api(client))
    assert request_reauthorization(grant, actor=Actor.api(client)) == first
    assert request_reauthorization(grant, actor=Actor.api(make_client())) != first
    first.state = SessionState.DENIED
    first.save()
    assert request_reauthorization(grant, actor=Actor.api(client)) != first
