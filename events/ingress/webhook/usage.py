"""Counting for the bot's page, behind the requests: which secrets proved them during a rotation, and what was refused."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Self, TypeVar
from uuid import UUID

from django.utils import timezone

from bots.webhook.usage import Refusals, SecretUses, together, write_refusals, write_secret_uses
from core.background.write_behind import Merge, WriteBehind
from core.database.thread import DatabaseThread
from events.ingress.webhook.refusals import Refusal
from events.ingress.webhook.verification import Proof

WRITE_EVERY = 5.0
"""Seconds."""
MAX_NOTES = 5_000
"""One for each bot and reason, or secret, that waits while the database is away."""


Note = TypeVar("Note", SecretUses, Refusals)


def _counting(
    write: Callable[[Sequence[Note]], object], name: str, database: DatabaseThread
) -> WriteBehind[Note]:
    """Notes of one key are written as one, with their counts added up."""
    return WriteBehind(
        write,
        name=name,
        database=database,
        every=WRITE_EVERY,
        max_kept=MAX_NOTES,
        merge=Merge(key=lambda note: note.key, merged=together),
    )


class WebhookUsage:
    """The counts of one event loop that are not in the database yet. Use as an async context manager."""

    def __init__(self, database: DatabaseThread) -> None:
        self._uses: WriteBehind[SecretUses] = _counting(
            write_secret_uses, "uses of webhook secrets", database
        )
        self._refusals: WriteBehind[Refusals] = _counting(
            write_refusals, "refused webhook requests", database
        )

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._uses.run(), name="webhook-secret-uses"),
            asyncio.create_task(self._refusals.run(), name="webhook-refusals"),
        ]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._uses.stop()
        self._refusals.stop()
        # Where the loop ends they were cancelled with everything else.
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._uses.flush()
        await self._refusals.flush()

    def proved(self, bot_id: UUID, proofs: Iterable[Proof], ends_at: datetime) -> None:
        """Count a request, proved by these secrets, in the rotation that ends then."""
        now = timezone.now()
        for secret, is_next in proofs:
            self._uses.add(SecretUses(bot_id, secret, is_next, ends_at, first_at=now, last_at=now))

    def refused(self, bot_id: UUID, refusal: Refusal) -> None:
        """Count a refused request."""
        now = timezone.now()
        self._refusals.add(Refusals(bot_id, refusal.reason, first_at=now, last_at=now))
