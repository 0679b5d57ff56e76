"""What can go wrong between us and the platform.

FeishuError
├── TransportError      the network: `sent` tells whether the request may have arrived
├── MalformedAnswer     an answer came, but not the JSON that was promised
├── APIError            the platform answered with a code other than 0
│   ├── RateLimited     wait `reset_after` seconds
│   ├── InvalidToken    the access token was rejected
│   ├── MissingScope    the app or the user has not granted `scopes`
│   └── OAuthError      the token endpoint refused
├── ConnectError        the long connection was refused
├── FrameError          bytes that are no frame
├── EnvelopeError       a payload that is no event
└── DecryptionError     a body that the Encrypt Key does not open
"""

from typing import Literal, TypeAlias

from feishu.codes import Category, CodeInfo, explain
from feishu.reasons import Reason

Sent: TypeAlias = Literal["no", "unknown"]
Stage: TypeAlias = Literal["credentials", "discovery", "handshake"]


class FeishuError(Exception):
    """Something went wrong between us and the platform."""

    retryable: bool = False
    """Trying the same again later may help. Says nothing about whether that is safe: see `sent`."""
    reason: Reason | None = None
    """What was the matter, where no code says it."""

    def __init__(
        self,
        message: str = "",
        *,
        code: int | None = None,
        log_id: str = "",
        http_status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message or type(self).__doc__ or ""
        self.code = code
        self.log_id = log_id
        self.http_status = http_status

    @property
    def info(self) -> CodeInfo:
        """Cause and cure, for people."""
        return explain(self.code, self.reason or "")

    def __str__(self) -> str:
        facts = {"code": self.code, "HTTP": self.http_status, "log id": self.log_id}
        known = ", ".join(f"{name} {value}" for name, value in facts.items() if value not in {None, ""})
        return f"{self.message} ({known})" if known else self.message


class TransportError(FeishuError):
    """The platform could not be reached."""

    retryable = True

    def __init__(
        self, message: str = "", *, sent: Sent = "unknown", reason: Reason = Reason.UNREACHABLE
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.sent: Sent = sent
        """`no`: nothing was written, so nothing can have happened. `unknown`: the request may have arrived."""


class MalformedAnswer(FeishuError):
    """The answer was not the JSON that was promised."""

    retryable = True

    def __init__(
        self,
        message: str = "",
        *,
        code: int | None = None,
        log_id: str = "",
        http_status: int | None = None,
        reason: Reason = Reason.MALFORMED,
        sent: Sent = "unknown",
        excerpt: str = "",
    ) -> None:
        super().__init__(message, code=code, log_id=log_id, http_status=http_status)
        self.reason = reason
        self.sent: Sent = sent
        """`no`: what answered came before the request that matters, which was therefore not written."""
        self.excerpt = excerpt
        """The beginning of the answer as it came, secrets included: to be redacted before it is kept or shown."""


class APIError(FeishuError):
    """The platform refused the request."""

    @property
    def retryable(self) -> bool:  # type: ignore[override]
        """By the code; without one, by the HTTP status."""
        if self.code is None:
            return (self.http_status or 0) >= 500
        return self.info.category in {Category.RETRY, Category.RATE_LIMIT}


class RateLimited(APIError):
    """The platform asks to slow down."""

    retryable = True

    def __init__(
        self,
        message: str = "",
        *,
        code: int | None = None,
        log_id: str = "",
        http_status: int | None = None,
        reset_after: float = 1.0,
        limit: int | None = None,
        reason: Reason | None = None,
    ) -> None:
        super().__init__(message, code=code, log_id=log_id, http_status=http_status)
        self.reason = reason
        self.reset_after = reset_after
        """Seconds until the window opens again, as the platform said it; 1 where it did not."""
        self.limit = limit
        """How many calls the window allows, where the platform said it."""


class InvalidToken(APIError):
    """The access token was rejected."""


class MissingScope(APIError):
    """A scope has not been granted."""

    def __init__(
        self,
        message: str = "",
        *,
        code: int | None = None,
        log_id: str = "",
        http_status: int | None = None,
        scopes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, code=code, log_id=log_id, http_status=http_status)
        self.scopes = scopes
        """The scopes the platform named; any one of them may suffice."""


class OAuthError(APIError):
    """The token endpoint refused."""

    def __init__(
        self,
        message: str = "",
        *,
        code: int | None = None,
        log_id: str = "",
        http_status: int | None = None,
        error: str = "",
        error_description: str = "",
    ) -> None:
        super().__init__(
            message or error_description or error, code=code, log_id=log_id, http_status=http_status
        )
        self.error = error
        self.error_description = error_description


class ConnectError(FeishuError):
    """The long connection was refused."""

    def __init__(
        self,
        message: str = "",
        *,
        stage: Stage = "discovery",
        reason: Reason | None = None,
        code: int | None = None,
        log_id: str = "",
        http_status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, log_id=log_id, http_status=http_status)
        self.stage: Stage = stage
        self.reason = reason

    @property
    def retryable(self) -> bool:  # type: ignore[override]
        """False where a person has to change something first."""
        return self.info.category not in {Category.CONFIGURATION, Category.WRONG_BRAND}


class FrameError(FeishuError):
    """The bytes are not a frame."""


class EnvelopeError(FeishuError):
    """The payload is not an event."""


class DecryptionError(FeishuError):
    """The body cannot be decrypted with this Encrypt Key."""
