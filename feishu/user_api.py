"""Calling the platform with a user's token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from feishu.credentials import AppCredentials
from feishu.observation import observed
from feishu.responses import require_code
from feishu.transport import PlatformAnswer, Transport, default_transport


@dataclass(frozen=True, slots=True)
class UserAPI:
    """One call after the other with one token, which is neither kept alive nor replaced here."""

    credentials: AppCredentials
    token: str = field(repr=False)
    transport: Transport | None = None

    def __call__(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> PlatformAnswer:
        """`path` begins with /open-apis/; `timeout`: seconds (15). Raises TransportError, MalformedAnswer or an APIError."""
        if not path.startswith("/"):
            # Appended to the host as it is, it could name another one, which would get the token.
            raise ValueError(f"not an absolute path: {path!r}")
        transport = self.transport or default_transport(self.credentials.route)
        url = self.credentials.platform.open_url + path
        with observed(self.credentials.app_id, path):
            answer = transport.request(
                method, url, bearer=self.token, params=params, json=json, headers=headers, timeout=timeout
            )
            return require_code(answer)
