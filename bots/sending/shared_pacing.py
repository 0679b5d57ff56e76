"""One queue for each chat, whichever process sends to it: a time in Redis, moved on by a script, one round trip a message.

Redis decides nothing that has to last. Wiped, it lets a chat have its five of this second once more, which the platform answers
with 230020, as it does any crowd. While it is away each process keeps to the pace by itself, and asks again after a few seconds, so
that no message waits for it.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from bots.sending.pacing import PACE, ChatQueues, Queues, too_many
from core.background.pace import steady_now
from core.database.errors import described
from core.log_pace import THINNED

if TYPE_CHECKING:
    import redis

logger = logging.getLogger(__name__)

PATIENCE: Final = 0.25
"""Seconds that Redis has to answer, and to take a connection."""
PAUSE: Final = 5.0
"""Seconds after which Redis is asked again that did not answer."""
FARTHEST: Final = timedelta(minutes=1)
"""How far ahead a turn may be. One that is farther was written by a clock that has been set back since."""

_NEXT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local begins = tonumber(redis.call('GET', KEYS[1]) or 0)
local farthest = tonumber(ARGV[1])
if begins > now + farthest then begins = 0 end
local function keep(at)
  redis.call('SET', KEYS[1], string.format('%.0f', at), 'PX', string.format('%.0f', (at - now) / 1000 + 2000))
end
"""
_TAKE: Final = f"""{_NEXT}
local spacing, burst, longest = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
begins = math.max(begins, now - (burst - spacing))
local wait = math.max(begins - now, 0)
if wait > longest then return {{0, wait}} end
keep(begins + spacing)
return {{1, wait}}
"""
"""`core.background.pace.Pace` in Lua, in microseconds of Redis's clock; whether there is a turn, and in how long."""
_PAUSE: Final = f"""{_NEXT}
keep(math.max(begins, now + math.min(tonumber(ARGV[2]), farthest)))
"""


class SharedQueues:
    """As ``ChatQueues``, for all processes that use this Redis. Thread-safe; connects when it is first used."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._alone = ChatQueues()
        self._client: redis.Redis | None = None
        self._asks_again = 0.0

    def take(self, chat: Hashable, *, until: datetime) -> float:
        """See ``ChatQueues.take``."""
        longest = max(until - steady_now(), timedelta())
        answer = self._asked(_TAKE, chat, 1 / PACE.rate, PACE.burst.total_seconds(), longest.total_seconds())
        if answer is None:
            return self._alone.take(chat, until=until)
        has_turn, wait = answer
        seconds: float = wait / 1e6
        if not has_turn:
            raise too_many(seconds)
        return seconds

    def pause(self, chat: Hashable, seconds: float) -> None:
        """See ``ChatQueues.pause``; here as well, for when Redis goes away meanwhile."""
        self._alone.pause(chat, seconds)
        self._asked(_PAUSE, chat, seconds)

    def _asked(self, script: str, chat: Hashable, *seconds: float) -> Any:
        """What the script returns; None where Redis is away."""
        import redis  # noqa: PLC0415 -- where there is one

        if self._clock() < self._asks_again:
            return None
        arguments = [round(value * 1e6) for value in (FARTHEST.total_seconds(), *seconds)]
        try:
            return self._connected().register_script(script)(keys=[_key(chat)], args=arguments)
        except (redis.RedisError, OSError, ValueError) as error:
            self._asks_again = self._clock() + PAUSE
            logger.warning("turns_not_shared", extra=described(error) | THINNED)
            return None

    def _connected(self) -> "redis.Redis":
        if self._client is None:
            import redis  # noqa: PLC0415 -- see above
            from redis.backoff import NoBackoff  # noqa: PLC0415 -- see above
            from redis.retry import Retry  # noqa: PLC0415 -- see above

            limits = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
            self._client = redis.Redis.from_url(self._url, retry=Retry(NoBackoff(), 0), **limits)
        return self._client


def queues_of_process() -> Queues:
    """Those that this process shares with others, where they have a Redis; else its own."""
    return SharedQueues(settings.REDIS_URL) if settings.REDIS_URL else ChatQueues()


def _key(chat: Hashable) -> str:
    """Whom the chat is with stands in Redis for nobody to read."""
    return (
        f"feishu_portal:turn:{settings.INSTALLATION}:{hashlib.sha256(repr(chat).encode()).hexdigest()[:32]}"
    )
