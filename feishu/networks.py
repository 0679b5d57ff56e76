"""Which addresses the portal may connect to: protection against server-side request forgery.

An operator who may enter an address (of a receiver, a platform, a proxy) could otherwise have the portal call what only
the portal reaches: a database on loopback, a cloud's metadata service, an unprotected internal service. So a host name is
resolved once, every address it resolves to must be allowed, and the connection goes to the address that was checked.

Special ranges as in IANA's registries of special-purpose addresses (IPv4, IPv6), metadata services as in the clouds' own
documentation.
"""

import logging
import re
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from feishu.names import Found, look_up_now, names

logger = logging.getLogger(__name__)

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host name and port to addresses, as text; raises OSError when there are none."""

PUBLIC: Final = "public"
PRIVATE: Final = "private"
LOOPBACK: Final = "loopback"
WORDS: Final = frozenset({PUBLIC, PRIVATE, LOOPBACK})

_PRIVATE: Final[tuple[Network, ...]] = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
_LOOPBACK: Final[tuple[Network, ...]] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
_METADATA: Final = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Google, Azure, Oracle, DigitalOcean, OpenStack, Huawei, Tencent
            "169.254.169.253", "169.254.170.2", "169.254.170.23",  # AWS: DNS, container and pod credentials
            "169.254.0.23", "169.254.10.10",  # Tencent
            "169.254.42.42",  # Scaleway
            "168.63.129.16",  # Azure's WireServer
            "100.100.100.200",  # Alibaba
            "100.96.0.96",  # Volcengine
            "192.0.0.192",  # Oracle's former one
            "fd00:ec2::254", "fd00:ec2::253", "fd00:ec2::23",  # AWS
            "fd20:ce::254",  # Google
            "fd00:42::42",  # Scaleway
            "fe80::a9fe:a9fe",  # OpenStack
        ),
    )
)  # fmt: skip
_NEVER_PUBLIC: Final[tuple[Network, ...]] = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
            "2001::/23", "2001:db8::/32", "3fff::/20",
        ),
    )
)  # fmt: skip
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""All that IANA gives out; unique local, site-local, link-local, discard-only and multicast addresses lie outside."""

# Networks whose addresses hold one of IPv4, and how far right it stands in them, in bits.
_EMBEDDING: Final = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated, RFC 2765
    (IPv6Network("::/96"), 0),  # IPv4-compatible; unspecified and loopback are 0.0.0.0 and 0.0.0.1
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (IPv6Network("2002::/16"), 80),  # 6to4
)
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})
_METADATA_NAMES: Final = frozenset(
    {"metadata", "metadata.google.internal", "metadata.tencentyun.com", "metadata.goog", "instance-data"}
)
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_INNER_NAMES: Final = (
    ".internal",
    ".local",
    ".localdomain",
    ".lan",
    ".home",
    ".corp",
    ".intranet",
    ".home.arpa",
    ".private",
    ".svc",
    ".consul",
    ".docker",
)


class ForbiddenAddressError(Exception):
    """The host leads to an address that may not be connected to. Says neither which nor whether there is one: who typed an
    inner host's name would learn it."""

    def __init__(self, setting: str) -> None:
        super().__init__(
            "This host is in a network that may not be connected to. If the network is the company's own, an administrator "
            f"adds it to {setting}."
        )


@dataclass(frozen=True, slots=True)
class Networks:
    """The allowed networks: ``ranges``, and with ``allows_public`` every address of the public internet.

    ``setting``: the variable that an administrator changes to allow more.
    """

    allows_public: bool
    ranges: tuple[Network, ...]
    setting: str = "FEISHU_DELIVERY_NETWORKS"

    @classmethod
    def parse(cls, entries: Sequence[str], *, setting: str = "FEISHU_DELIVERY_NETWORKS") -> "Networks":
        """From ``public``, ``private`` (RFC 1918 and fc00::/7), ``loopback``, and CIDRs such as ``10.0.0.0/8``. Raises
        ValueError."""
        words = [entry.strip() for entry in entries if entry.strip()]
        ranges = tuple(ip_network(word) for word in words if word not in WORDS)
        ranges += _PRIVATE if PRIVATE in words else ()
        ranges += _LOOPBACK if LOOPBACK in words else ()
        return cls(PUBLIC in words, ranges, setting)

    def allows(self, text: str) -> bool:
        """Whether this address may be connected to, and so may one of IPv4 that it embeds.

        A metadata service is in no network but one that names it alone.
        """
        return all(self._allows(address) for address in _targets(text))

    def _allows(self, address: Address) -> bool:
        ranges = [net for net in self.ranges if address.version == net.version and address in net]
        if address in _METADATA:
            return any(net.num_addresses == 1 for net in ranges)
        return bool(ranges) or (self.allows_public and _is_public(address))

    def allows_name(self, host: str) -> bool:
        """Whether a proxy may be asked for a host that this one cannot resolve: its name is not one of inner hosts."""
        name = host.lower().rstrip(".")
        if name in _METADATA_NAMES or _NUMBER.fullmatch(name.rpartition(".")[2]):
            # No name ends in a number: it is an address that only the proxy can read, such as one with a dot behind.
            return False
        if name == "localhost" or name.endswith(".localhost"):
            return any(net in self.ranges for net in _LOOPBACK)
        is_inner = "." not in name or name.endswith(_INNER_NAMES)
        return bool(self.ranges) if is_inner else self.allows_public or bool(self.ranges)

    def check(self, host: str, addresses: Sequence[str]) -> None:
        """Raises ForbiddenAddressError if one of the host's addresses is not allowed. The log has which."""
        for address in addresses:
            if not self.allows(address):
                logger.warning(
                    "address_refused", extra={"host": host, "address": address, "setting": self.setting}
                )
                raise ForbiddenAddressError(self.setting)


EVERYWHERE: Final[Networks | None] = None
"""No rule: for addresses that nobody typed, of the brands and of the environment's proxies."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """By the system's resolver, which also reads addresses in every notation it knows, e.g. ``0x7f000001``."""
    return _addresses(await names.look_up(host, port))


def resolve_now(host: str, port: int) -> Sequence[str]:
    """The same, for threads."""
    return _addresses(look_up_now(host, port))


def resolve_within(host: str, port: int, seconds: float) -> Sequence[str]:
    """The same within so many seconds. Raises TimeoutError, which is an OSError, where name servers take longer."""
    return _addresses(names.look_up_within(host, port, seconds))


async def allowed_addresses(host: str, port: int, *, networks: Networks, resolver: Resolver) -> Sequence[str]:
    """The addresses of ``host``. Raises ForbiddenAddressError if one of them is not allowed, OSError if there are none."""
    addresses = await resolver(host, port)
    if not addresses:
        raise OSError(f"{host} has no address.")
    networks.check(host, addresses)
    return addresses


def written_address(host: str) -> str:
    """The address that the host of an URL itself is, in any notation that the system's resolver reads, e.g. ``0x7f000001``;
    empty for a name. No name server is asked."""
    text = host.partition("%")[0].rstrip(".")
    try:
        found = socket.getaddrinfo(text, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return ""
    return _addresses(found)[0]


def _addresses(found: Found) -> Sequence[str]:
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_public(address: Address) -> bool:
    if any(address.version == net.version and address in net for net in _NEVER_PUBLIC):
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _targets(text: str) -> Iterator[Address]:
    """The addresses that packets may go to: some of IPv6 embed one of IPv4."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv4Address):
        yield address
        return
    bits = int(address)
    if address in {IPv6Address("::1"), IPv6Address("::")}:
        yield address
        return
    for network, shift in _EMBEDDING:
        if address in network:
            yield IPv4Address(bits >> shift & 0xFFFF_FFFF)
            return
    yield address
    if bits >> 32 & 0xFFFF_FFFF in _ISATAP:
        yield IPv4Address(bits & 0xFFFF_FFFF)
