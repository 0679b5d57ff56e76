"""Write-behind: notes that nobody waits for, gathered and written many at a time."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

from django.db import DataError, Error, IntegrityError

from core.database.errors import described
from core.database.thread import DatabaseThread
from core.log_pace import THINNED

T = TypeVar("T")

logger = logging.getLogger(__name__)

UNSTORABLE = (DataError, IntegrityError, OverflowError, ValueError)
"""The values are at fault, not the database: kept, they would hold up every other note for ever."""


@dataclass(frozen=True, slots=True)
class Merge(Generic[T]):
    """Notes with the same ``key`` become one: ``merged(older, newer)``. For columns of a row, of which the latest values
    count: however long the database is away, there is one note for each row."""

    key: Callable[[T], Hashable]
    merged: Callable[[T, T], T]


class WriteBehind(Generic[T]):
    """Keeps notes until ``write`` has stored them. Lives in one event loop.

    A database that is away leaves them for the next time; beyond ``max_kept`` the oldest are dropped. Of a batch that the
    database refuses for its values every note is written alone, and the unstorable ones are dropped with a log line.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], object],
        *,
        name: str,
        database: DatabaseThread,
        every: float,
        max_kept: int,
        merge: Merge[T] | None = None,
    ) -> None:
        """``name`` stands in the log; ``every`` is the pause between two writes, in seconds."""
        self._write = write
        self._name = name
        self._database = database
        self._every = every
        self._max_kept = max_kept
        self._merge = merge
        self._numbers = count()
        self._notes: OrderedDict[Hashable, T] = OrderedDict()
        self._filled = asyncio.Event()
        self._stopping = asyncio.Event()
        self._dropped = 0

    def add(self, note: T) -> None:
        """Keep a note for the next write; waits for nothing."""
        key = next(self._numbers) if self._merge is None else self._merge.key(note)
        if self._merge is not None and key in self._notes:
            note = self._merge.merged(self._notes[key], note)
        elif len(self._notes) >= self._max_kept:
            self._notes.popitem(last=False)
            self._dropped += 1
        self._notes[key] = note
        self._filled.set()

    async def run(self) -> None:
        """Write now and then, until ``stop`` is called; then what is left.

        Not to be cancelled where every note counts: what is being written just then would be lost.
        """
        while not self._stopping.is_set():
            await self._filled.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._stopping.wait()
            await self.flush()
        await self.flush()  # what came during the last write

    def stop(self) -> None:
        """End ``run`` after one more write."""
        self._stopping.set()
        self._filled.set()

    async def flush(self) -> None:
        """Write what there is. Raises nothing."""
        self._filled.clear()
        notes = list(self._notes.values())
        self._notes.clear()
        if self._dropped:
            logger.warning("notes_dropped", extra={"kind": self._name, "count": self._dropped})
            self._dropped = 0
        if notes:
            await self._store(notes)

    async def _store(self, notes: Sequence[T]) -> None:
        try:
            await self._database.run(self._write, notes)
        except UNSTORABLE as error:
            if len(notes) == 1:
                logger.warning("note_unstorable", extra={"kind": self._name, **described(error)})
                return
            for note in notes:
                await self._store([note])
        except Error as error:
            logger.warning(
                "notes_not_written",
                extra={"kind": self._name, "count": len(notes), **described(error), **THINNED},
            )
            self._keep(notes)
        except Exception:
            # Whoever writes has to go on writing: this is a fault of ours.
            logger.exception("notes_failed", extra={"kind": self._name, "count": len(notes)})

    def _keep(self, notes: Sequence[T]) -> None:
        """In front of what came meanwhile, as far as there is room."""
        newer = list(self._notes.values())
        self._notes.clear()
        for note in (*notes, *newer):
            self.add(note)
