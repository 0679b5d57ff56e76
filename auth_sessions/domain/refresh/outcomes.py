"""The result of a submission, and what it means for the refresh token. Whatever is not known for sure is UNCERTAIN.

Pages "Refresh user_access_token" and "Rate limits" of the platform's documentation.
"""

from dataclasses import dataclass

from auth_sessions.enums import RefreshOutcome
from feishu.codes import TABLE, Category, explain
from feishu.errors import FeishuError, OAuthError, RateLimited, TransportError
from feishu.oauth import TokenSet

_DEAD_FOR_USER = {Category.REAUTHORIZE, Category.USER_GONE}
_DEAD_FOR_APP = {Category.CONFIGURATION, Category.WRONG_BRAND}
# "The refresh token belongs to another client": the bot has been given another app's credentials.
_OTHER_CLIENT = 20024


@dataclass(frozen=True, slots=True)
class SubmissionResult:
    """The result of a submission. ``code`` and ``log_id`` are the platform's, where it answered; ``wait`` is in seconds."""

    outcome: RefreshOutcome
    tokens: TokenSet | None = None
    code: int | None = None
    log_id: str = ""
    wait: float = 0.0

    @classmethod
    def of(cls, error: FeishuError) -> "SubmissionResult":
        wait = error.reset_after if isinstance(error, RateLimited) else 0.0
        return cls(classify(error), code=error.code, log_id=error.log_id, wait=wait)


def classify(error: FeishuError) -> RefreshOutcome:
    """What a failed submission means for the refresh token."""
    if isinstance(error, TransportError):
        return RefreshOutcome.NOT_SENT if error.sent == "no" else RefreshOutcome.UNCERTAIN
    if isinstance(error, RateLimited):
        return RefreshOutcome.REJECTED
    if error.code not in TABLE:
        refused = isinstance(error, OAuthError) and error.error == "invalid_grant"
        return RefreshOutcome.DEAD_USER if refused else RefreshOutcome.UNCERTAIN
    category = explain(error.code).category
    if error.code == _OTHER_CLIENT or category in _DEAD_FOR_APP:
        return RefreshOutcome.DEAD_APP
    # The rest is refused before the platform looks at the token: a failure of the platform, a bad request, or a policy.
    return RefreshOutcome.DEAD_USER if category in _DEAD_FOR_USER else RefreshOutcome.REJECTED
