"""By which address callers are counted: the one they have for themselves."""

from ipaddress import IPv6Address, IPv6Network

_SUBSCRIBER = 64
"""Bits of an IPv6 address that a provider gives out; the rest its subscriber chooses."""


def network_of(address: str) -> str:
    """An IPv4 address as it is, also where a dual-stack socket writes it ``::ffff:192.0.2.1``; of IPv6 the network of one
    subscriber. Anything else, such as the empty address of a Unix socket, as it is."""
    try:
        ipv6 = IPv6Address(address)
    except ValueError:
        return address
    if ipv6.ipv4_mapped is not None:
        return str(ipv6.ipv4_mapped)
    return str(IPv6Network((int(ipv6), _SUBSCRIBER), strict=False))
