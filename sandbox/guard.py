"""Who may steer the sandbox: programs on this machine and its own pages, but no page of a foreign site.

The control API asks for no password, so a browser on the same machine must not be a way in. A foreign name that
resolves to this machine is refused by its Host header, a foreign page by Origin and `Sec-Fetch-Site`, and a form or a
text that a page may post anywhere without asking by its content type.
"""

from collections.abc import Collection
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HARMLESS: Final = {"GET", "HEAD", "OPTIONS"}
_OWN_SITE: Final = {"same-origin", "none"}

# Cards and names come from programs under test. No form-action: the consent page goes on to any portal.
POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


class PagePolicy:
    """ASGI middleware: pages run no scripts but the sandbox's own, and are shown in no foreign frame."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.setdefault("Content-Security-Policy", POLICY)
                    headers.setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        await self._app(scope, receive, send_with_policy if scope["type"] == "http" else send)


class Guard:
    """ASGI middleware for everything below `/sandbox/`; `hosts` are names besides those of loopback."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, error = refusal
        body = msgspec.json.encode({"error": error})
        await Response(body, status_code=status, media_type="application/json")(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        path, harmless = scope["path"], scope["method"] in _HARMLESS
        if not path.startswith("/sandbox/"):
            return None
        headers, controls = Headers(scope=scope), path.startswith("/sandbox/api/")
        host = headers.get("host", "")
        if not self._is_local(host):
            return 421, f"the sandbox is not called {host}; start it with that name as --allow-host"
        if (controls or not harmless) and _is_foreign(headers, host):
            return 403, "a page of another site may not steer the sandbox"
        if controls and not harmless and _has_body(headers) and _media_type(headers) != "application/json":
            return 415, "send JSON, with Content-Type: application/json"
        return None

    def _is_local(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        return name in self._hosts or is_loopback(name)


def is_loopback(name: str) -> bool:
    """Whether a host's name or address always means this machine."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _is_foreign(headers: Headers, host: str) -> bool:
    """Whether a browser says that a page of another origin asks."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in _OWN_SITE:
        return True
    if origin is None:
        return False
    # Our own pages send no referrer, and with it a browser makes the origin of their forms "null".
    return site is None if origin == "null" else urlsplit(origin).netloc.lower() != host.lower()


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
