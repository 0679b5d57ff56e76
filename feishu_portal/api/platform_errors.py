"""Errors of the platform as problems: its code, cause and cure, and whether the request may have been carried out."""

from math import ceil
from typing import Any, Final

import httpx2

from bots.sending.service import nothing_happened
from core.vault.redaction import redact_text
from feishu.categories import Category
from feishu.errors import APIError, FeishuError, RateLimited
from feishu.reasons import Reason
from feishu_portal.api.problems import Problem

# An administrator has to change something; another request of this caller would fail the same way.
_NEEDS_ADMINISTRATOR: Final = frozenset(
    {Category.CONFIGURATION, Category.PERMISSION, Category.WRONG_BRAND, Category.CONNECTION_LIMIT}
)


def upstream_problem(error: FeishuError) -> Problem:
    """429 ``rate_limited``; 424 where an administrator has to change something, 422 where the request has to be another,
    503 where a repetition may succeed: all ``platform_refused``; 502 and 504 ``upstream_failed`` where no answer came."""
    info = error.info.for_one_attempt  # the portal sends nothing a second time
    facts: dict[str, Any] = {
        "cause": info.cause.in_language("en"),
        "cure": info.cure.in_language("en"),
        "reason": error.reason,
        "http_status": error.http_status,
        "platform_code": error.code,
        "log_id": error.log_id,
        "sent": "no" if nothing_happened(error) else "unknown",
    }
    if isinstance(error, RateLimited):
        wait = {"Retry-After": str(max(1, ceil(error.reset_after)))}
        detail = "The platform asked to be called less often."
        if error.reason == Reason.PACED:
            detail = "More messages wait for this chat, person or message than the platform takes; nothing was sent."
        return Problem(429, "rate_limited", detail, headers=wait, **facts)
    if not isinstance(error, APIError):
        timed_out = isinstance(error.__cause__, httpx2.TimeoutException) and facts["sent"] == "unknown"
        detail = f"The platform's answer could not be had: {redact_text(error.message)}"
        return Problem(504 if timed_out else 502, "upstream_failed", detail, **facts)
    detail = f"The platform refused: {error.message}"
    if error.retryable:
        return Problem(503, "platform_refused", detail, headers={"Retry-After": "1"}, **facts)
    return Problem(
        424 if error.info.category in _NEEDS_ADMINISTRATOR else 422, "platform_refused", detail, **facts
    )
