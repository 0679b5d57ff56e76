"""Who gives way where strangers have filled what all share: the oldest of whoever has the most.

Registrations and requests of agents are rows that anybody makes the portal keep, so their number has a bound. To refuse
everybody at the bound would let one stranger shut out all others.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from core.remote_address import network_of

SITE: Final = 48
"""Bits of an IPv6 address that one site has; it chooses among 65,536 subscriber's networks, and is one here."""


def give_way(rows: Iterable[tuple[UUID, str]], count: int) -> list[UUID]:
    """Which ``count`` of the rows go: keys with the address each came from, the oldest first. Each time it is the oldest of the
    network that then has the most; of several with as many, of the one whose oldest is older."""
    kept: dict[str, deque[tuple[int, UUID]]] = defaultdict(deque)
    for place, (key, address) in enumerate(rows):
        kept[network_of(address, bits=SITE)].append((place, key))
    gone: list[UUID] = []
    while kept and len(gone) < count:
        greediest = max(kept, key=lambda network: (len(kept[network]), -kept[network][0][0]))
        gone.append(kept[greediest].popleft()[1])
        if not kept[greediest]:
            del kept[greediest]
    return gone
