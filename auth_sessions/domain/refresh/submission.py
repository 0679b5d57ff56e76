"""Sending one refresh token: no lock, no transaction, no database. Runs in a thread of its own."""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from auth_sessions.domain.failures import Failure
from auth_sessions.domain.refresh import spool
from auth_sessions.domain.refresh.claim import Claim
from auth_sessions.domain.refresh.outcomes import SubmissionResult
from auth_sessions.enums import RefreshOutcome
from auth_sessions.log_facts import of_grant
from core.log_context import log_context
from feishu.errors import FeishuError
from feishu.oauth import OAuth
from feishu.reasons import Reason

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Submission:
    """A claim whose refresh token was sent at ``asked_at``, and the result."""

    claim: Claim
    result: SubmissionResult
    asked_at: datetime


def oauth_of(claim: Claim) -> OAuth:
    """Raises SealedValueError. Opened before the token counts as sent: a missing key must not cost the grant."""
    return OAuth(claim.grant.bot.credentials)


def submit(claim: Claim, oauth: OAuth, refresh_token: str) -> Submission:
    """Send it once. Never raises. New tokens are on disk when this returns, so that nothing but the disk can lose them."""
    with log_context(**of_grant(claim.grant)):
        return _submit(claim, oauth, refresh_token)


def _submit(claim: Claim, oauth: OAuth, refresh_token: str) -> Submission:
    asked_at = timezone.now()
    try:
        result = SubmissionResult(
            RefreshOutcome.OK, tokens=oauth.refresh(refresh_token, timeout=settings.REFRESH_LEASE_SECONDS / 3)
        )
    except FeishuError as error:
        result = SubmissionResult.of(error)
    except Exception:
        logger.exception("refresh_answer_unreadable", extra={"grant": str(claim.grant.pk)})
        result = SubmissionResult(RefreshOutcome.UNCERTAIN, failure=Failure(reason=Reason.INTERNAL))
    if result.tokens is not None:
        spool.keep(claim.attempt, result, asked_at=asked_at)
    return Submission(claim, result, asked_at)
