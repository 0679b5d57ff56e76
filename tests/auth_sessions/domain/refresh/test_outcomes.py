import pytest

from auth_sessions.domain.refresh.outcomes import SubmissionResult, classify
from auth_sessions.enums import RefreshOutcome
from feishu.errors import APIError, FeishuError, OAuthError, RateLimited, TransportError

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


def test_limit_on_frequency_refused_before_the_token_was_looked_at() -> None:
    result = SubmissionResult.of(RateLimited("", code=99991400, reset_after=12.0))

    assert (result.outcome, result.wait) == (RefreshOutcome.REJECTED, 12.0)


@pytest.mark.parametrize("error", [APIError("", code=123456), APIError("", code=None)])
def test_unknown_code_is_a_doubt(error: FeishuError) -> None:
    assert classify(error) == RefreshOutcome.UNCERTAIN


def test_refusal_in_the_words_of_oauth_counts_without_a_known_code() -> None:
    assert classify(OAuthError("", code=123456, error="invalid_grant")) == RefreshOutcome.DEAD_USER
    assert classify(OAuthError("", code=123456, error="server_error")) == RefreshOutcome.UNCERTAIN
