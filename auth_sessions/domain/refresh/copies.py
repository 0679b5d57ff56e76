"""Sealed answers in Redis as well, for the refresher of another host.

The spool on disk is lost with its host, or with a container that has no volume. As long as one of the three is there, the
database, the disk or Redis, no answer is gone. Redis that is away holds nothing up.
"""

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from django.conf import settings

from core.database.errors import described
from core.log_pace import THINNED

if TYPE_CHECKING:
    import redis

logger = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE: Final = 2.0
"""Seconds that a command may take."""
KEPT_SECONDS: Final = 30 * 24 * 3600
"""After the last answer was put there; a refresh token lives no longer."""


def put(claim_id: UUID, sealed: bytes) -> bool:
    """Keep it, in place of one that is there; whether Redis took it."""

    def both(client: Any) -> bool:
        with client.pipeline(transaction=True) as commands:
            commands.hset(_key(), str(claim_id), sealed)
            commands.expire(_key(), KEPT_SECONDS)
            commands.execute()
        return True

    return _asked(both, otherwise=False)


def waiting() -> list[UUID]:
    """The attempts whose answers are there; none while Redis is away."""
    return _asked(lambda client: sorted(UUID(name.decode()) for name in client.hkeys(_key())), otherwise=[])


def get(claim_id: UUID) -> bytes | None:
    found: bytes | None = _asked(lambda client: client.hget(_key(), str(claim_id)), otherwise=None)
    return found


def remove(claim_id: UUID) -> None:
    """What Redis keeps all the same is settled again later, which changes nothing."""
    _asked(lambda client: client.hdel(_key(), str(claim_id)), otherwise=0)


def _key() -> str:
    return f"feishu_portal:refresh-answers:{settings.INSTALLATION}"


def _asked(ask: Callable[[Any], T], *, otherwise: T) -> T:
    if not settings.REDIS_URL:
        return otherwise
    import redis  # noqa: PLC0415 -- where there is one

    try:
        return ask(_client(settings.REDIS_URL))
    except (redis.RedisError, OSError, ValueError) as error:
        logger.warning("refresh_answers_not_copied", extra=described(error) | THINNED)
        return otherwise


@lru_cache(maxsize=1)
def _client(url: str) -> "redis.Redis":
    """Thread-safe; connects when it is first used."""
    import redis  # noqa: PLC0415 -- see above

    return redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
