"""The result of a submission, and what it means for the refresh token. Whatever is not known for sure is UNCERTAIN.

A verdict on a grant is the platform's own and has a code: pages "Refresh user_access_token" and "Rate limits". An HTTP status
alone, a redirect, a page or a word without a code may come from whatever lies between, and ends no grant.
"""

from dataclasses import dataclass, field
from typing import Final

from auth_sessions.domain.failures import Failure
from auth_sessions.enums import RefreshOutcome
from feishu.codes import TABLE, Category, explain
from feishu.errors import FeishuError, MalformedAnswer, OAuthError, RateLimited, TransportError
from feishu.oauth import TokenSet
from feishu.reasons import Reason

_DEAD_FOR_USER: Final = {Category.REAUTHORIZE, Category.USER_GONE}
_DEAD_FOR_APP: Final = {Category.CONFIGURATION, Category.WRONG_BRAND}
_OTHER_CLIENT: Final = 20024
"""The refresh token belongs to another client: the bot has been given another app's credentials."""
_OF_TOKEN_ENDPOINTS: Final = (range(10000, 10100), range(20000, 22000), range(99991000, 99993000))
"""Codes of the token endpoints, of the app's own token and of the gateway before them. A code like 403 or 1 means something at
the long connection, and here that something else answered."""
_OF_AUTHORIZATION_CODES: Final = {20003, 20004, 20049, 20065}
"""Verdicts on a code, of which a refresh has none."""
_APP_REFUSED: Final = {"invalid_client", "unauthorized_client"}
"""The app's credentials are refused, in the words of RFC 6749 5.2."""


@dataclass(frozen=True, slots=True)
class SubmissionResult:
    """The result of a submission. ``code`` and ``log_id`` are the platform's, where it answered; ``wait`` is in seconds."""

    outcome: RefreshOutcome
    tokens: TokenSet | None = None
    code: int | None = None
    log_id: str = ""
    wait: float = 0.0
    failure: Failure = field(default_factory=Failure)

    @classmethod
    def of(cls, error: FeishuError) -> "SubmissionResult":
        outcome, failure = classify(error), Failure.of(error)
        if outcome == RefreshOutcome.DEAD_APP and error.code not in TABLE:
            failure = Failure(failure.http_status, Reason.CLIENT_REFUSED, failure.said)
        wait = error.reset_after if isinstance(error, RateLimited) else 0.0
        return cls(outcome, code=error.code, log_id=error.log_id, wait=wait, failure=failure)


def classify(error: FeishuError) -> RefreshOutcome:
    """What a failed submission means for the refresh token."""
    if isinstance(error, TransportError | MalformedAnswer):
        return RefreshOutcome.NOT_SENT if error.sent == "no" else RefreshOutcome.UNCERTAIN
    if isinstance(error, RateLimited):
        return RefreshOutcome.REJECTED
    code = error.code
    if code is None or code not in TABLE or not any(code in codes for codes in _OF_TOKEN_ENDPOINTS):
        is_app = isinstance(error, OAuthError) and error.error in _APP_REFUSED
        return RefreshOutcome.DEAD_APP if is_app else RefreshOutcome.UNCERTAIN
    category = explain(code).category
    if code == _OTHER_CLIENT or category in _DEAD_FOR_APP:
        return RefreshOutcome.DEAD_APP
    # The rest is refused before the platform looks at the token: a failure of the platform, a bad request, or a policy.
    is_verdict = category in _DEAD_FOR_USER and code not in _OF_AUTHORIZATION_CODES
    return RefreshOutcome.DEAD_USER if is_verdict else RefreshOutcome.REJECTED
