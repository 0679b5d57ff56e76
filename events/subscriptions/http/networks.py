"""Which addresses deliveries may go to: protection against server-side request forgery.

An operator who may add a subscription could otherwise have the portal call addresses that only the portal reaches: a
database on loopback, a cloud's metadata service, an unprotected internal service. So a host name is resolved once,
every address it resolves to must be allowed, and the connection goes to the address that was checked.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host name and port to addresses, as text; raises OSError when there are none."""

PUBLIC: Final = "public"
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last four bytes


class ForbiddenAddressError(Exception):
    """The receiver's host name resolves to an address that deliveries may not go to."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"Deliveries may not go to {address}. If this network is the company's own, add it to FEISHU_DELIVERY_NETWORKS."
        )


@dataclass(frozen=True, slots=True)
class Networks:
    """The allowed networks: ``ranges``, and with ``allows_public`` every address of the public internet."""

    allows_public: bool
    ranges: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def parse(cls, entries: Sequence[str]) -> "Networks":
        """From ``public`` and CIDRs such as ``10.0.0.0/8``. Raises ValueError."""
        words = [entry.strip() for entry in entries if entry.strip()]
        return cls(PUBLIC in words, tuple(ip_network(word) for word in words if word != PUBLIC))

    def allows(self, text: str) -> bool:
        """Whether deliveries may go to this address."""
        address = _effective(text)
        if any(address.version == net.version and address in net for net in self.ranges):
            return True
        return self.allows_public and address.is_global and not (address.is_multicast or address.is_reserved)


async def resolve(host: str, port: int) -> Sequence[str]:
    """By the system's resolver, which also reads addresses in every notation it knows, e.g. ``0x7f000001``."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def allowed_addresses(host: str, port: int, *, networks: Networks, resolver: Resolver) -> Sequence[str]:
    """The addresses of ``host``. Raises ForbiddenAddressError if one of them is not allowed, OSError if there are none."""
    addresses = await resolver(host, port)
    if not addresses:
        raise OSError(f"{host} has no address.")
    for address in addresses:
        if not networks.allows(address):
            raise ForbiddenAddressError(address)
    return addresses


def _effective(text: str) -> Address:
    """The address that packets go to: some IPv6 addresses embed one of IPv4."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
