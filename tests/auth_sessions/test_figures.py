from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.enums import RefreshPhase, TokenStatus
from tests.core.metrics.scraping import read_now
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db(transaction=True)


def test_tokens_are_counted_by_status_and_those_that_end_soon():
    bot, now = make_bot(), timezone.now()
    make_grant(bot, open_id="ou_fresh")
    make_grant(bot, open_id="ou_ending", reauthorize_by=now + timedelta(days=6))
    make_grant(bot, open_id="ou_unsure", phase=RefreshPhase.UNCERTAIN)
    make_grant(bot, open_id="ou_lost", status=TokenStatus.NEEDS_REAUTH, reauthorize_by=now)
    tokens = read_now("feishu_user_tokens")
    assert (tokens["active",], tokens["needs_reauth",], tokens["revoked",]) == (3, 1, 0)
    assert read_now("feishu_user_tokens_ending")[()] == 1
    assert read_now("feishu_token_uncertain")[()] == 1


def test_refresh_that_nobody_begins_is_told_with_how_late_it_is():
    make_grant(make_bot(), next_refresh_at=timezone.now() - timedelta(minutes=10))
    assert read_now("feishu_token_refresh_overdue")[()] == 1
    assert read_now("feishu_token_refresh_lag_seconds")[()] >= 600
