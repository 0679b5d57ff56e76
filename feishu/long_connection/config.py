"""How often to ping and reconnect, as the platform says it in `ClientConfig`.

The platform sends it with the gateway's address and again in pongs. Official SDKs copy whatever comes, and a
missing PingInterval stops or spins their ping loop; here only usable values replace known ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from feishu.numbers import integer


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Seconds, except `reconnect_count` (-1: for ever). Defaults are those of the official SDKs."""

    reconnect_count: int = -1
    reconnect_interval: int = 120
    reconnect_nonce: int = 30
    ping_interval: int = 120

    @property
    def silence(self) -> int:
        """Seconds without a frame after which the connection counts as dead."""
        return 2 * self.ping_interval + 10

    def merged(self, update: object) -> Self:
        """The same configuration with the usable values of the platform's JSON object over it."""
        if not isinstance(update, Mapping):
            return self
        known = {
            "reconnect_count": _whole(update, "ReconnectCount", -1, 1_000_000),
            "reconnect_interval": _whole(update, "ReconnectInterval", 1, 3600),
            "reconnect_nonce": _whole(update, "ReconnectNonce", 0, 3600),
            "ping_interval": _whole(update, "PingInterval", 1, 600),
        }
        return replace(self, **{name: value for name, value in known.items() if value is not None})

    def as_json(self) -> dict[str, int]:
        """The platform's spelling."""
        return {
            "ReconnectCount": self.reconnect_count,
            "ReconnectInterval": self.reconnect_interval,
            "ReconnectNonce": self.reconnect_nonce,
            "PingInterval": self.ping_interval,
        }


def _whole(update: Mapping[Any, Any], key: str, low: int, high: int) -> int | None:
    """The number under `key`, brought down to `high`; None if it is absent, no whole number or below `low`."""
    value = integer(update.get(key))
    return None if value is None or value < low else min(value, high)
