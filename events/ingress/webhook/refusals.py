"""Why a webhook request was refused: a stable code for the caller, the reason and the cure for the operator's log.

A caller that could not prove to be the platform learns nothing: not whether the bot exists, not how it is secured.
"""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass

logger = logging.getLogger(__name__)

LINE_SECONDS = (
    1.0  # between lines of a bot and reason: a flood fills no log, and no request is left uncounted
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way to be refused. ``status`` and ``code`` go to the caller, ``reason`` and ``cure`` to the log."""

    status: int
    code: str
    reason: str
    cure: str = ""


class Refused(Exception):
    """The request is refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


NOT_POST = Refusal(405, "method_not_allowed", "not_post")
NO_WEBHOOK_BOT = Refusal(
    401,
    "unauthenticated",
    "no_webhook_bot",
    "The bot is unknown, disabled, or gets its events by long connection. Add it, enable it, or change its transport.",
)
TOO_LARGE = Refusal(
    413, "body_too_large", "body_too_large", "Raise FEISHU_WEBHOOK_MAX_BYTES if it is the platform's."
)
TOO_SLOW = Refusal(
    408,
    "body_too_slow",
    "body_too_slow",
    "Let the proxy in front read bodies whole before it passes them on.",
)
BOT_BUSY = Refusal(
    429,
    "too_many_requests",
    "bot_busy",
    "Raise FEISHU_WEBHOOK_BOT_REQUESTS, or see what makes the database slow.",
)
BOT_TOO_FAST = Refusal(
    429,
    "too_many_requests",
    "bot_too_fast",
    "Raise FEISHU_WEBHOOK_BOT_RATE, or unsubscribe from events that nobody needs.",
)
ALL_BUSY = Refusal(
    503,
    "overloaded",
    "all_busy",
    "Raise FEISHU_WEBHOOK_REQUESTS, run more web processes, or see to the database.",
)
NOT_STORED = Refusal(
    500,
    "not_stored",
    "database_away",
    "The database did not answer in time. The platform pushes events again.",
)
SECRETS_SEALED = Refusal(
    401,
    "unauthenticated",
    "secrets_sealed",
    "Put the key the bot's secrets were written with back into ENCRYPTION_KEYS.",
)
FAILED = Refusal(500, "internal_error", "unexpected_error")


def _unauthenticated(reason: str, cure: str) -> Refusal:
    return Refusal(401, "unauthenticated", reason, cure)


_WHERE = "Developer console → Events & callbacks → Encryption strategy."
UNPROTECTED = _unauthenticated(
    "no_key_and_no_token", f"Give the bot its Encrypt Key (better) or Verification Token. {_WHERE}"
)
PLAIN_BODY = _unauthenticated(
    "plain_body",
    f"The bot has an Encrypt Key but the body was not encrypted: set the same key there. {_WHERE}",
)
ENCRYPTED_BODY = _unauthenticated("encrypted_body", f"Give the bot its Encrypt Key. {_WHERE}")
BAD_SIGNATURE = _unauthenticated(
    "bad_signature", f"Compare the bot's Encrypt Key and Verification Token. {_WHERE}"
)
REWRITTEN_BODY = _unauthenticated(
    "body_rewritten",
    "The body could be decrypted, so the Encrypt Key is right: something between the platform and the portal changes the "
    "body or the X-Lark-* headers. Let the proxy or gateway in front pass both on byte for byte.",
)
NO_SIGNATURE = _unauthenticated(
    "signature_missing",
    "The body could be decrypted, so the Encrypt Key is right, but it came without X-Lark-Signature: let the proxy or "
    "gateway in front pass the X-Lark-* headers on.",
)
OLD_SIGNATURE = _unauthenticated(
    "signed_by_token",
    "The request is signed with the Verification Token, as the old card callback is; with an Encrypt Key that is too weak. "
    "Use the callback card.action.trigger (developer console → Events & callbacks → Callback configuration).",
)
BAD_TIMESTAMP = _unauthenticated(
    "bad_timestamp", "X-Lark-Request-Timestamp is no time: something in front changes the headers."
)
TOO_OLD = _unauthenticated(
    "timestamp_too_old",
    "The request was signed hours ago, a callback minutes ago: compare the portal's clock with the real time, else somebody "
    "sends a recorded request again.",
)
WRONG_APP = _unauthenticated(
    "another_app",
    "The request names another app: in the developer console of that app, correct the request URL.",
)
WRONG_TOKEN = _unauthenticated("wrong_verification_token", f"Compare the bot's Verification Token. {_WHERE}")


class RefusalLog:
    """Counts refusals and writes the counts. Lives in one event loop."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Refusal]] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, refusal: Refusal, *, app_id: str) -> None:
        self._counts[app_id, refusal] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LINE_SECONDS, self.write)

    def write(self) -> None:
        """Write what is counted but not written yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for (app_id, refusal), count in self._counts.items():
            logger.warning(
                "webhook_refused",
                extra={
                    "app_id": app_id,
                    "reason": refusal.reason,
                    "status": refusal.status,
                    "requests": count,
                    "cure": refusal.cure,
                },
            )
        self._counts.clear()
