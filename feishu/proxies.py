"""HTTP proxies on the way to the platform: how they are written, and which one the environment names.

Proxies speak HTTP CONNECT (RFC 9110, section 9.3.6). SOCKS would take further libraries, and TLS to the proxy itself is
not offered.
"""

import base64
import os
import re
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import unquote, urlsplit

from feishu.names import is_host

_SCHEMES: Final = {"https": "https", "wss": "https", "http": "http", "ws": "http"}
_PORTS: Final = {"https": 443, "http": 80}


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
    if parts.scheme != "http" or not host or not port or blank or not is_host(host):
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


class Unusable(StrEnum):
    """Why a proxy that the environment names cannot be used."""

    SOCKS = "socks"
    TLS = "tls"
    """The proxy itself would be spoken to in TLS."""
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class UnusableVariable:
    """A variable of the environment that names a proxy which cannot be used, and is ignored; ``cause`` repeats nothing of
    its value, which may hold a password."""

    name: str
    cause: Unusable


def environment_proxy(url: str) -> str:
    """The proxy that the environment names for this address, empty where there is none: the first usable one of
    ``https_proxy`` or ``http_proxy``, by the address's scheme, and ``all_proxy``, unless ``no_proxy`` excepts the host.

    A variable in small letters wins over the same in capitals. Every transport asks here, and the HTTP library reads none.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    scheme = _SCHEMES.get(parts.scheme)
    if not host or scheme is None or is_excepted(host, port or _PORTS[scheme], _variable("no_proxy")[1]):
        return ""
    for kind in (f"{scheme}_proxy", "all_proxy"):
        if proxy := _usable(_variable(kind)[1])[0]:
            return proxy
    return ""


def unusable_variables() -> list[UnusableVariable]:
    """Variables that name a proxy which is ignored."""
    found = (_variable(kind) for kind in ("https_proxy", "http_proxy", "all_proxy"))
    return [UnusableVariable(name, cause) for name, value in found if (cause := _usable(value)[1])]


def is_excepted(host: str, port: int, entries: str) -> bool:
    """Whether NO_PROXY, written as ``entries``, excepts the host at this port.

    Entries stand between commas, blanks or semicolons: ``*`` for every host; a name, for itself and all below it, also with
    a dot or ``*.`` in front; a name with ``*`` elsewhere; an address or a network, for hosts that are written as
    addresses; ``<local>`` for names without a dot. Any but a network may have a port. Letters' case does not matter, nor do
    quotes, which stay in the value where no shell reads it.
    """
    name = _name(host)
    return any(_excepts(entry, name, port) for entry in re.split(r"[,;\s\"']+", entries.lower()) if entry)


def _excepts(entry: str, host: str, port: int) -> bool:
    entry = entry.rpartition("://")[2]
    if entry == "*" or (entry == "<local>" and "." not in host and ":" not in host):
        return True
    if (network := _network(entry)) is not None:
        address = _address(host)
        return address is not None and address.version == network.version and address in network
    name, only = _split_port(entry.rstrip("/"))
    if only is not None and only != port:
        return False
    name = _name(name)
    if (address := _address(name)) is not None:
        return address == _address(host)
    if "*" in name.removeprefix("*."):
        return fnmatchcase(host, name)
    name = name.removeprefix("*").lstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _split_port(entry: str) -> tuple[str, int | None]:
    """``host:443``, ``[::1]:443``, ``[::1]`` and ``::1``."""
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        port = rest.removeprefix(":")
    elif entry.count(":") == 1:
        name, _, port = entry.partition(":")
    else:
        return entry, None
    return name, int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else None


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    """Also of IPv4 with the zeros at its end left out, as in ``169.254/16``, which macOS excepts by itself."""
    address, _, length = entry.replace("[", "").replace("]", "").partition("/")
    if not length:
        return None
    if ":" not in address:
        address += ".0" * (3 - address.count("."))
    try:
        return ip_network(f"{address}/{length}", strict=False)
    except ValueError:
        return None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _name(host: str) -> str:
    """In small letters, without the root's dot, as it goes over the wire: Chinese names in both spellings are one."""
    name = host.strip("[]").rstrip(".").lower()
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def _variable(kind: str) -> tuple[str, str]:
    """The name under which it is set, and its value. In small letters it counts even where it is empty."""
    name = kind if kind in os.environ else kind.upper()
    return name, os.environ.get(name, "").strip()


@lru_cache(maxsize=16)
def _usable(value: str) -> tuple[str, Unusable | None]:
    """The proxy as ``parse_proxy`` reads it, or why it cannot be used."""
    if not value:
        return "", None
    url = value if "://" in value else f"http://{value}"
    scheme = url.partition("://")[0].lower()
    if scheme.startswith("socks"):
        return "", Unusable.SOCKS
    if scheme == "https":
        return "", Unusable.TLS
    try:
        parts = urlsplit(url)
        if parts.port is None and parts.hostname:
            url = f"{parts.scheme}://{parts.netloc.rstrip(':')}:80"
        parsed = urlsplit(url)
        url = f"http://{parsed.netloc}"
        parse_proxy(url)
    except ValueError:
        return "", Unusable.MALFORMED
    return (url, None) if scheme == "http" else ("", Unusable.MALFORMED)
