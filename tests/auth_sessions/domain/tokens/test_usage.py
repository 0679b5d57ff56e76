from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.domain.tokens.usage import note_use, request_refresh
from auth_sessions.enums import RefreshPhase, TokenStatus
from auth_sessions.models import UserToken
from tests.factories import make_grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def idle(bot) -> UserToken:
    """A grant that nobody used for a day: its next refresh is the daily one."""
    now = timezone.now()
    return make_grant(
        bot,
        used_at=now - timedelta(days=1),
        half_life_at=now + timedelta(minutes=30),
        next_refresh_at=now + timedelta(hours=20),
    )


def test_idle_grant_that_is_used_falls_due_at_half_its_life_again(idle):
    note_use(idle)
    idle.refresh_from_db()
    assert idle.next_refresh_at == idle.half_life_at
    assert timezone.now() - idle.used_at < timedelta(seconds=10)


def test_using_a_grant_writes_once_in_five_minutes(idle, django_assert_num_queries):
    with django_assert_num_queries(1):
        note_use(idle)
    with django_assert_num_queries(0):
        note_use(idle)
    with django_assert_num_queries(1):
        note_use(UserToken.objects.defer(None).get(pk=idle.pk))  # the read itself


def test_using_a_grant_never_puts_its_refresh_off(bot):
    due = timezone.now() + timedelta(minutes=1)
    grant = make_grant(bot, used_at=None, next_refresh_at=due, half_life_at=due + timedelta(minutes=9))
    note_use(grant)
    grant.refresh_from_db()
    assert grant.next_refresh_at == due


def test_using_a_grant_that_cannot_be_refreshed_leaves_it_so(bot):
    grant = make_grant(bot, used_at=None, refresh_token="", next_refresh_at=None)
    note_use(grant)
    grant.refresh_from_db()
    assert grant.next_refresh_at is None


def test_asking_makes_a_grant_due_and_tells_the_refresher_once(
    idle, no_broker, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        assert request_refresh(idle)
        assert not request_refresh(idle)
    assert no_broker == ["refresh"]
    assert UserToken.objects.due().get() == idle


@pytest.mark.parametrize(
    "state",
    [
        {"phase": RefreshPhase.UNCERTAIN},
        {"phase": RefreshPhase.STOPPED, "status": TokenStatus.NEEDS_REAUTH},
        {"next_refresh_at": None},
    ],
    ids=["outcome unknown", "over", "no refresh token"],
)
def test_asking_changes_nothing_where_a_refresh_cannot_start(idle, no_broker, state):
    UserToken.objects.update(**state)
    before = UserToken.objects.values().get()
    assert not request_refresh(idle)
    assert UserToken.objects.values().get() == before
    assert no_broker == []


def test_grant_read_before_the_refresh_requests_no_other(idle, no_broker):
    UserToken.objects.update(generation=idle.generation + 1)
    assert not request_refresh(idle)
    due = idle.next_refresh_at
    idle.refresh_from_db()
    assert idle.next_refresh_at == due


def test_asking_does_not_shorten_a_back_off(idle):
    UserToken.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=2))
    request_refresh(idle)
    assert not UserToken.objects.due().exists()
