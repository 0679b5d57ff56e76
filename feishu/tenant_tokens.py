"""The app's own access token (tenant_access_token), fetched when needed and shared by all threads.

The platform hands out the same token until 30 minutes of its validity remain and a new one after that, both
valid until they expire (page "Custom app obtains tenant_access_token"). So there is no use in asking earlier,
and a refresh that fails harms nobody while the old token lives.
"""

import functools
import hashlib
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from feishu.credentials import AppCredentials
from feishu.errors import FeishuError, MalformedAnswer, TransportError
from feishu.numbers import seconds
from feishu.observation import observed
from feishu.reasons import Reason
from feishu.transport import Transport, default_transport

logger = logging.getLogger("feishu.tokens")

_PATH: Final = "/open-apis/auth/v3/tenant_access_token/internal"
_RENEWABLE: Final = 30 * 60
"""Seconds of remaining validity below which the platform issues a new token."""
_LIFETIME: Final = 2 * 60 * 60
"""Seconds that a token lasts where the answer does not say it, as the page promises; one that ends sooner is rejected and asked
for again."""
_MARGIN: Final = 10
"""Seconds before its expiry at which a token is no longer handed out: a call takes time."""
_PAUSE: Final = 30
"""Seconds between attempts to refresh while the old token still serves."""
_LONGEST_WAIT: Final = 20
_MAX_APPS: Final = 10_000

_Key: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    refresh_at: float
    expires_at: float


@dataclass(slots=True)
class _Entry:
    refreshing: threading.Lock = field(default_factory=threading.Lock)
    token: _Token | None = None


class TenantTokens:
    """Thread-safe; for one app at most one request is under way.

    Asks over `transport`; without one, over the default transport of each app's proxy.
    """

    def __init__(
        self, transport: Transport | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, credentials: AppCredentials, *, timeout: float | None = None) -> str:
        """A token good for at least some seconds, within `timeout` seconds (15, and 20 behind another thread that asks).

        Raises APIError for wrong credentials and TransportError or MalformedAnswer when the platform cannot
        be asked, unless an older token still serves.
        """
        entry = self._entry(credentials)
        token, now = entry.token, self._clock()
        if token and now < token.refresh_at:
            return token.value
        usable = token if token and now < token.expires_at - _MARGIN else None
        if not entry.refreshing.acquire(timeout=0 if usable else timeout or _LONGEST_WAIT):
            if usable:
                return usable.value
            raise TransportError(
                "another thread is still waiting for the app's token", sent="no", reason=Reason.TIMEOUT
            )
        try:
            return self._refreshed(credentials, entry, usable, timeout)
        finally:
            entry.refreshing.release()

    def cached(self, credentials: AppCredentials) -> str | None:
        """The token, where it can be had without asking the platform; never waits."""
        token = self._entry(credentials).token
        return token.value if token and self._clock() < token.refresh_at else None

    def invalidate(self, credentials: AppCredentials, token: str) -> None:
        """Forget a token that the platform rejected; a newer one stays."""
        entry = self._entry(credentials)
        with entry.refreshing:
            if entry.token and entry.token.value == token:
                entry.token = None

    def _refreshed(
        self, credentials: AppCredentials, entry: _Entry, usable: _Token | None, timeout: float | None
    ) -> str:
        current = entry.token
        if current and self._clock() < current.refresh_at:
            return current.value
        try:
            entry.token = self._fetch(credentials, timeout)
        except FeishuError as error:
            if usable is None or not error.retryable:
                raise
            # The old one serves meanwhile.
            logger.warning(
                "app_token_not_refreshed",
                extra={"app_id": credentials.app_id, "reason": error.reason or "", "error": str(error)},
            )
            entry.token = _Token(usable.value, self._clock() + _PAUSE, usable.expires_at)
        return entry.token.value

    def _fetch(self, credentials: AppCredentials, timeout: float | None) -> _Token:
        asked_at = self._clock()
        transport = self._transport or default_transport(credentials.route)
        with observed(credentials.app_id, _PATH):
            answer = transport.request(
                "POST",
                credentials.platform.open_url + _PATH,
                json={"app_id": credentials.app_id, "app_secret": credentials.app_secret},
                timeout=timeout,
            )
        # Older versions of the endpoint wrap it in an object, as they do people's tokens.
        found = answer.data if answer.data.get("tenant_access_token") else answer.body
        value, expire = found.get("tenant_access_token"), seconds(found.get("expire")) or _LIFETIME
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise MalformedAnswer("the answer holds no tenant_access_token", log_id=answer.log_id)
        # Where the whole validity is short, at least part of it is used before asking again.
        serve = max(expire - _RENEWABLE, min(60, expire // 2))
        return _Token(value, asked_at + serve, asked_at + expire)

    def _entry(self, credentials: AppCredentials) -> _Entry:
        secret = hashlib.sha256(credentials.app_secret.encode()).hexdigest()
        key = (credentials.platform.open_url, credentials.app_id, secret)
        with self._guard:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            if len(self._entries) > _MAX_APPS:
                self._entries.popitem(last=False)
            return entry


def default_tenant_tokens() -> TenantTokens:
    """The tokens shared by this process, over its default transports."""
    return _tokens_of(os.getpid())


@functools.lru_cache(maxsize=1)
def _tokens_of(_pid: int) -> TenantTokens:
    return TenantTokens()
