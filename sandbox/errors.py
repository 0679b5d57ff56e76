"""Refusals of the platform: a code, a message, an HTTP status."""

from typing import Any


class PlatformError(Exception):
    """The platform refuses: `{"code", "msg", "error": {"log_id", …}}`."""

    def __init__(
        self,
        code: int,
        msg: str,
        *,
        status: int = 400,
        error: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code} {msg}")
        self.code = code
        self.msg = msg
        self.status = status
        self.error = error or {}
        self.headers = headers or {}


class TokenError(Exception):
    """The token endpoint refuses: `{"code", "error", "error_description"}`; RFC 8628 errors carry no code."""

    def __init__(
        self, code: int | None, description: str, *, error: str = "invalid_grant", status: int = 400
    ) -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description
        self.error = error
        self.status = status

    def body(self) -> dict[str, Any]:
        known = {} if self.code is None else {"code": self.code}
        return {**known, "error": self.error, "error_description": self.description}


class ControlError(Exception):
    """The control API cannot do that."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
