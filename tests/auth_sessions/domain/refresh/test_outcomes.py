import pytest

from auth_sessions.domain.refresh.outcomes import SubmissionResult, classify
from auth_sessions.enums import RefreshOutcome
from feishu.errors import APIError, FeishuError, MalformedAnswer, OAuthError, RateLimited, TransportError
from feishu.reasons import Reason

# Of the platform's table of codes, one for each thing that it can mean for a refresh token.
EXPIRED, REVOKED, OTHER_CLIENT, WRONG_SECRET, UNAVAILABLE = 20037, 20064, 20024, 20002, 20050


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TransportError("refused", sent="no"), RefreshOutcome.NOT_SENT),
        (TransportError("no answer", sent="unknown"), RefreshOutcome.UNCERTAIN),
        (OAuthError("", code=EXPIRED), RefreshOutcome.DEAD_USER),
        (OAuthError("", code=REVOKED), RefreshOutcome.DEAD_USER),
        (OAuthError("", code=OTHER_CLIENT), RefreshOutcome.DEAD_APP),
        (OAuthError("", code=WRONG_SECRET), RefreshOutcome.DEAD_APP),
        (OAuthError("", code=UNAVAILABLE), RefreshOutcome.REJECTED),
    ],
)
def test_error_says_what_became_of_the_token(error: FeishuError, outcome: RefreshOutcome) -> None:
    assert classify(error) == outcome


def test_rate_limit_refused_before_the_token_was_looked_at() -> None:
    result = SubmissionResult.of(RateLimited("", code=99991400, reset_after=12.0))

    assert (result.outcome, result.wait) == (RefreshOutcome.REJECTED, 12.0)


@pytest.mark.parametrize("error", [APIError("", code=123456), APIError("", code=None)])
def test_unknown_code_is_uncertain(error: FeishuError) -> None:
    assert classify(error) == RefreshOutcome.UNCERTAIN


@pytest.mark.parametrize("code", [None, 123456, 29999, 403, 1])
@pytest.mark.parametrize("error", ["", "invalid_grant", "server_error", "invalid_request"])
def test_only_a_code_of_the_token_endpoint_is_a_verdict(code: int | None, error: str) -> None:
    assert classify(OAuthError("", code=code, error=error)) == RefreshOutcome.UNCERTAIN


@pytest.mark.parametrize("code", [None, 29999])
@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
def test_app_that_is_refused_in_the_words_of_oauth_is_refused(code: int | None, error: str) -> None:
    result = SubmissionResult.of(OAuthError("", code=code, error=error, http_status=401))

    assert result.outcome == RefreshOutcome.DEAD_APP
    assert (result.failure.reason, result.failure.http_status) == (Reason.CLIENT_REFUSED, 401)


@pytest.mark.parametrize("code", [20003, 20004, 20065])
def test_verdict_on_an_authorization_code_says_nothing_of_a_refresh_token(code: int) -> None:
    assert classify(OAuthError("", code=code, error="invalid_grant")) == RefreshOutcome.REJECTED


def test_answer_that_came_before_the_token_was_sent_leaves_it_usable() -> None:
    assert classify(MalformedAnswer("", sent="no")) == RefreshOutcome.NOT_SENT
    assert classify(MalformedAnswer("", http_status=302)) == RefreshOutcome.UNCERTAIN
