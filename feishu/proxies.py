"""HTTP proxies on the way to the platform: how they are written, and which one the environment names.

Proxies speak HTTP CONNECT (RFC 9110, section 9.3.6). SOCKS would take further libraries, and TLS to the proxy itself is
not offered.
"""

import base64
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

_SCHEMES: Final = {"https": "https", "wss": "https", "http": "http", "ws": "http"}


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy listens, and how to sign in there."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def address(self) -> str:
        """For people: no user, no password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def authorization(self) -> str:
        """The value of Proxy-Authorization; empty where nobody has to sign in."""
        if not self.username:
            return ""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


def parse_proxy(url: str) -> Proxy:
    """Read ``http://user:password@host:port``; special characters of user and password are percent-encoded.

    Raises ValueError, which repeats nothing of the text: a password may be in it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("not the address of a proxy") from None
    blank = any(char.isspace() or not char.isprintable() for char in url)
    if parts.scheme != "http" or not host or not port or blank:
        raise ValueError("not http://host:port")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("something follows the port")
    if parts.password is not None and not parts.username:
        raise ValueError("a password without a user")
    return Proxy(host, port, unquote(parts.username or ""), unquote(parts.password or ""))


def proxy_address(url: str) -> str:
    """Where the proxy is, without user and password; a question mark where the text names none."""
    try:
        return parse_proxy(url).address
    except ValueError:
        return "?"


def environment_proxy(url: str) -> str:
    """The proxy that the environment names for this address (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY), unless NO_PROXY
    excepts it; empty where there is none.
    """
    parts = urlsplit(url)
    if not parts.hostname or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return ""
    named = getproxies()
    found = named.get(_SCHEMES.get(parts.scheme, ""), "") or named.get("all", "")
    return found if "://" in found or not found else f"http://{found}"
