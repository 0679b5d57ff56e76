from datetime import UTC, datetime, timedelta

import pytest

from auth_sessions.domain.refresh.schedule import JITTER, MAX_LIFE, lifetimes, nearing_end, next_reminder
from feishu.oauth import TokenSet

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def tokens(**values) -> TokenSet:
    given = {
        "access_token": "a",
        "expires_in": 7200,
        "refresh_token": "r",
        "refresh_token_expires_in": 604800,
    }
    return TokenSet(**{"token_type": "Bearer", "scopes": ()} | given | values)


def about(moment: datetime | None, span: timedelta) -> bool:
    """Whether it is so long after NOW, jitter aside."""
    return moment is not None and span * (1 - JITTER) <= moment - NOW <= span * (1 + JITTER)


def test_grant_in_use_falls_due_at_half_its_life():
    columns = lifetimes(tokens(), asked_at=NOW, used_at=NOW)

    assert columns["access_expires_at"] == NOW + 2 * HOUR
    assert columns["refresh_expires_at"] == NOW + 7 * DAY
    assert about(columns["next_refresh_at"], HOUR)


@pytest.mark.parametrize("used_at", [None, NOW - timedelta(days=30)])
def test_grant_that_nobody_uses_falls_due_once_a_day(used_at):
    assert about(lifetimes(tokens(), asked_at=NOW, used_at=used_at)["next_refresh_at"], DAY)


def test_refresh_token_of_a_short_life_hurries():
    columns = lifetimes(tokens(refresh_token_expires_in=8 * 3600), asked_at=NOW, used_at=None)
    assert about(columns["next_refresh_at"], 4 * HOUR)


def test_without_a_refresh_token_nothing_falls_due():
    columns = lifetimes(tokens(refresh_token=""), asked_at=NOW, used_at=NOW)
    assert (columns["next_refresh_at"], columns["refresh_expires_at"]) == (None, None)


def test_no_token_lives_longer_than_is_plausible():
    columns = lifetimes(tokens(expires_in=10**12), asked_at=NOW, used_at=None)
    assert columns["access_expires_at"] == NOW + MAX_LIFE


def test_grants_of_one_moment_do_not_fall_due_together():
    due = {lifetimes(tokens(), asked_at=NOW, used_at=NOW)["next_refresh_at"] for _ in range(20)}
    assert len(due) > 1


def test_reminders_come_a_month_a_week_and_a_day_before():
    end, moment, steps = NOW + 365 * DAY, NOW, []
    while moment := next_reminder(reauthorize_by=end, refresh_expires_at=None, after=moment):
        steps.append((end - moment).days)

    assert steps == [30, 7, 1]


def test_refresh_token_that_is_about_to_end_is_told_first():
    soon = NOW + 3 * DAY
    assert next_reminder(reauthorize_by=NOW + 365 * DAY, refresh_expires_at=soon, after=NOW) == soon - 2 * DAY


def test_end_is_spoken_of_when_it_is_near():
    far = NOW + 365 * DAY
    assert nearing_end(reauthorize_by=far, refresh_expires_at=None, now=NOW) is None
    assert nearing_end(reauthorize_by=NOW + 29 * DAY, refresh_expires_at=None, now=NOW) == NOW + 29 * DAY
    assert nearing_end(reauthorize_by=far, refresh_expires_at=NOW + HOUR, now=NOW) == NOW + HOUR
