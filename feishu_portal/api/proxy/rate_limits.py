"""What the platform asked to be left alone with: calls are refused here until its limit is open again."""

import re
import time

from feishu_portal.api.proxy.target import Target

LONGEST = 60.0  # seconds; after that one call finds out how things stand
MAX_PAUSES = 10_000
_ID = re.compile(r"(?=.*[0-9]).{8,}")  # names of APIs are shorter or have no digit

Key = tuple[str, str, str, str]


def pause_key(target: Target, tenant_key: str) -> Key:
    """The platform limits each API for each app and tenant (page "Frequency control"); ids in the path do not tell APIs
    apart."""
    api = "/".join("*" if _ID.fullmatch(segment) else segment for segment in target.segments)
    return target.app_id, tenant_key, target.method, api


class Pauses:
    """Seconds left, by key."""

    def __init__(self) -> None:
        self._until: dict[Key, float] = {}

    def note(self, key: Key, seconds: float) -> None:
        """The platform wants no such call for ``seconds``."""
        now = time.monotonic()
        if len(self._until) >= MAX_PAUSES:
            self._until = {one: until for one, until in self._until.items() if until > now}
        if len(self._until) < MAX_PAUSES:
            self._until[key] = now + min(seconds, LONGEST)

    def left(self, key: Key) -> float:
        """Seconds until such a call may be sent; 0 when it may be now."""
        until = self._until.get(key)
        if until is None:
            return 0.0
        left = until - time.monotonic()
        if left <= 0:
            del self._until[key]
        return max(left, 0.0)
