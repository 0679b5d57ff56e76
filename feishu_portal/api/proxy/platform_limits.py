"""Rate limits of the platform: a call within one is refused here until the limit is open again."""

import re
import time
from dataclasses import dataclass

from feishu_portal.api.proxy.target import Target

LONGEST = 60.0  # seconds; after that one call finds out how things stand
MAX_LIMITS = 10_000
_ID = re.compile(r"(?=.*[0-9]).{8,}")  # names of APIs are shorter or have no digit

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class LimitKeys:
    """``api``: every call of the API; ``path``: those for the chat, message or person in the path. The same without one."""

    api: Key
    path: Key


def limit_keys(target: Target, tenant_key: str) -> LimitKeys:
    """The platform limits each API for each app and tenant (page "Frequency control"), and each chat, person and message
    (230020); ids in the path do not tell APIs apart."""
    api = "/".join("*" if _ID.fullmatch(segment) else segment for segment in target.segments)
    of_app = target.app_id, tenant_key, target.method
    return LimitKeys((*of_app, api), (*of_app, "/".join(target.segments)))


class RateLimits:
    """The limits that are reached, with the time at which each opens again."""

    def __init__(self) -> None:
        self._open_at: dict[Key, float] = {}

    def reached(self, key: Key, seconds: float) -> None:
        """The platform takes no such call for ``seconds``."""
        now = time.monotonic()
        if len(self._open_at) >= MAX_LIMITS:
            self._open_at = {one: open_at for one, open_at in self._open_at.items() if open_at > now}
        if len(self._open_at) < MAX_LIMITS:
            self._open_at[key] = now + min(seconds, LONGEST)

    def seconds_left(self, key: Key) -> float:
        """Until such a call may be sent; 0 when it may be now."""
        open_at = self._open_at.get(key)
        if open_at is None:
            return 0.0
        left = open_at - time.monotonic()
        if left <= 0:
            del self._open_at[key]
        return max(left, 0.0)
