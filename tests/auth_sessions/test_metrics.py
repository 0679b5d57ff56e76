import pytest

from auth_sessions import metrics
from auth_sessions.domain.refresh import spool
from auth_sessions.domain.refresh.refresher import Pass
from auth_sessions.domain.sessions import cancel_session, request_authorization
from auth_sessions.domain.tokens.broker import hand_out
from auth_sessions.enums import RefreshOutcome
from core.access.actors import SYSTEM
from core.metrics.labels import BoundedLabels
from tests.auth_sessions.conftest import oauth_error
from tests.auth_sessions.domain.refresh.conftest import grant, run  # noqa: F401 -- a fixture
from tests.core.metrics.scraping import series, value
from tests.factories import make_client, make_grant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_series")]


def refreshes(outcome, reason=None):
    if reason is None:
        return value("feishu_token_refresh_total", outcome)
    return value("feishu_token_refresh_failures_total", outcome, reason)


@pytest.mark.usefixtures("platform")
def test_refresh_that_succeeds_is_counted(grant):  # noqa: F811 -- the fixture
    before = refreshes("ok")
    assert run(grant) == RefreshOutcome.OK
    assert refreshes("ok") == before + 1


def test_refresh_that_is_refused_is_counted_with_the_platforms_code(grant, platform, monkeypatch):  # noqa: F811 -- the fixture
    monkeypatch.setattr(metrics, "_reasons", BoundedLabels(10))
    before = refreshes("dead_user"), refreshes("dead_user", "20037")
    platform.token.mock(return_value=oauth_error(20037))
    run(grant)
    assert (refreshes("dead_user"), refreshes("dead_user", "20037")) == (before[0] + 1, before[1] + 1)


def test_answers_that_the_database_does_not_take_are_told_by_each_pass(db, monkeypatch):
    for left in (2, 0):
        monkeypatch.setattr(spool, "count", lambda left=left: left)
        Pass().run()
        assert value("feishu_refresh_spool_answers") == left


def test_authorization_that_ends_is_counted(bot):
    session = request_authorization(bot=bot, open_id="ou_asked", actor=SYSTEM)
    assert cancel_session(session, actor=SYSTEM)
    assert value("feishu_auth_sessions_total", bot.app_id, "cancelled") == 1


def test_token_that_is_handed_out_is_counted_when_that_is_committed(bot, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        hand_out(make_grant(bot), client=make_client())
        assert value("feishu_tokens_served_total", bot.app_id) == 0
    assert value("feishu_tokens_served_total", bot.app_id) == 1


def test_outcomes_of_refreshes_are_there_before_the_first_of_them():
    assert {outcome for (outcome,) in series("feishu_token_refresh_total")} == set(RefreshOutcome.values)
