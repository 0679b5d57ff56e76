"""Telling whoever wants to know how calls to the platform ended: metrics count them."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

from feishu.errors import FeishuError, RateLimited

_GROUP: Final = re.compile(r"(?:^|/)open-apis/([a-z_]{1,40})/(v\d{1,2})/([a-z_]{1,40})(?=/|$)")
_OAUTH: Final = re.compile(r"/(oauth)/(?:v\d/)?(token|revoke|device_authorization)$")
OTHER_APIS: Final = "other"


@dataclass(frozen=True, slots=True)
class PlatformCall:
    """One call that ended. ``code``: the platform's, 0 for a success; where it gave none, ``http_status`` or ``reason`` says
    why. ``limit``: how many calls the platform allows in a window, where it says so."""

    app_id: str
    api: str
    seconds: float
    code: int | None = None
    http_status: int | None = None
    reason: str = ""
    is_rate_limited: bool = False
    limit: int | None = None

    @property
    def outcome(self) -> str:
        """The platform's code, else the HTTP status, else in a word what was the matter."""
        if self.code is not None:
            return str(self.code)
        return self.reason or (f"http_{self.http_status}" if self.http_status else "unknown")


Listener: TypeAlias = Callable[[PlatformCall], object]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Have each call told to ``listener``, which may be called from any thread and must not raise or wait."""
    _listeners.append(listener)


def report(call: PlatformCall) -> None:
    for listener in _listeners:
        listener(call)


def api_group(url: str) -> str:
    """Service, version and resource of an API, without the IDs in its path: ``im/v1/messages``; of the token endpoints
    ``oauth/token`` and ``oauth/revoke``. ``url``: an address or a path."""
    path, _, _ = url.partition("?")
    found = _OAUTH.search(path) or _GROUP.search(path)
    return "/".join(found.groups()) if found else OTHER_APIS


@contextmanager
def observed(app_id: str, url: str) -> Iterator[None]:
    """Report the call to ``url`` that the block makes, by what it raises."""
    api, started = api_group(url), time.monotonic()
    try:
        yield
    except FeishuError as error:
        report(
            PlatformCall(
                app_id,
                api,
                time.monotonic() - started,
                code=error.code,
                http_status=error.http_status,
                reason=error.reason or "",
                is_rate_limited=isinstance(error, RateLimited),
                limit=error.limit if isinstance(error, RateLimited) else None,
            )
        )
        raise
    report(PlatformCall(app_id, api, time.monotonic() - started, code=0))
