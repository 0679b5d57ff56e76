"""Addresses of callers: as the records say them, and as callers are counted."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from django.http import HttpRequest

MAX_LENGTH = 39
"""Characters of an address; columns that hold one are as wide."""

_SUBSCRIBER = 64
"""Bits of an IPv6 address that a provider gives out; the rest its subscriber chooses."""


def network_of(address: str, *, bits: int = _SUBSCRIBER) -> str:
    """An IPv4 address as it is, also where a dual-stack socket writes it ``::ffff:192.0.2.1``; of IPv6 the network of one
    subscriber, or of whoever has the first ``bits``. Anything else, such as the empty address of a Unix socket, as it is."""
    try:
        ipv6 = IPv6Address(address)
    except ValueError:
        return address
    if ipv6.ipv4_mapped is not None:
        return str(ipv6.ipv4_mapped)
    return str(IPv6Network((int(ipv6), bits), strict=False))


def normal_address(address: str) -> str:
    """The address in its usual form, for records; empty where it is none, as behind a Unix socket."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)


def address_of(request: HttpRequest) -> str:
    """The address that a request came from, for records: as the server, or a trusted proxy in front, says."""
    return normal_address(str(request.META.get("REMOTE_ADDR", "")))
