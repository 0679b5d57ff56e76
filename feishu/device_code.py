"""Consent without a redirect URI: the person opens a link, the portal asks for the outcome (RFC 8628).

As the official command line tool of the platform and its SDK (`lark_oapi/channel/auth/device_flow.py`) do it; the
public documentation has no page for it. So what differs between the two is read either way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from feishu.credentials import AppCredentials
from feishu.errors import MalformedAnswer, OAuthError
from feishu.numbers import seconds
from feishu.oauth import OAuth, TokenSet
from feishu.observation import observed
from feishu.transport import Transport, default_transport

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"
SLOW_DOWN_SECONDS: Final = 5
"""What `slow_down` adds to the polling interval."""
DEFAULT_LIFETIME: Final = 240
DEFAULT_INTERVAL: Final = 5


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A pending consent. `interval` and `expires_in` in seconds."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)
    verification_uri: str = field(repr=False)
    """The link to show, with the user code inside where the platform offers that."""
    expires_in: int
    interval: int


class Waiting(StrEnum):
    """Why there are no tokens yet."""

    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"


class DeviceCodes:
    """The device authorization endpoints as one app. Thread-safe; never waits and never retries."""

    def __init__(self, credentials: AppCredentials, transport: Transport | None = None) -> None:
        self._credentials = credentials
        self._transport = transport or default_transport(credentials.route)
        # The poll that is answered with tokens works once, so it is sent as a code or a refresh token is.
        self._oauth = OAuth(credentials, transport)

    def start(self, scopes: Sequence[str], *, timeout: float | None = None) -> DeviceCode:
        """Ask for a link to show, within `timeout` seconds (15).

        Raises TransportError, MalformedAnswer, RateLimited or APIError.
        """
        app = (self._credentials.app_id, self._credentials.app_secret)
        url = self._credentials.platform.device_authorization_url
        with observed(self._credentials.app_id, url):
            answer = self._transport.request(
                "POST",
                url,
                basic=app,
                form={"client_id": self._credentials.app_id, "scope": " ".join(scopes)},
                timeout=timeout,
            )
        body = answer.data or answer.body
        link = web_address(body.get("verification_uri_complete") or body.get("verification_uri"))
        device_code = _text(body.get("device_code"))
        if not device_code or not link:
            raise MalformedAnswer("the answer holds no device code", log_id=answer.log_id)
        return DeviceCode(
            device_code=device_code,
            user_code=_text(body.get("user_code")),
            verification_uri=self._credentials.platform.for_browsers(link),
            expires_in=seconds(body.get("expires_in")) or DEFAULT_LIFETIME,
            interval=seconds(body.get("interval")) or DEFAULT_INTERVAL,
        )

    def poll(self, device_code: str) -> TokenSet | Waiting:
        """The tokens once the person has consented, else why to wait.

        Raises OAuthError when it is over (`error`: access_denied, expired_token, invalid_grant), and
        TransportError, MalformedAnswer or RateLimited.
        """
        try:
            return self._oauth.request_token(GRANT_TYPE, device_code=device_code)
        except OAuthError as error:
            # The SDK reads the word from `msg` where there is no `error`.
            error.error = error.error or error.message
            if error.error in set(Waiting):
                return Waiting(error.error)
            raise


def web_address(value: Any) -> str:
    """A link that people will be sent to; empty for anything else."""
    link = _text(value)
    try:
        parts = urlsplit(link)
        is_link = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_link = False
    return link if is_link else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) and value.isprintable() else ""
