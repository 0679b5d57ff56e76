"""Optional work that was shed under load, counted by the hour."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping

from django.db import Error, transaction
from django.db.models import F
from django.utils import timezone

from core.database.errors import described
from core.database.thread import DatabaseThread
from core.log_pace import THINNED
from events.enums import OptionalWork
from events.metrics import count_shed
from events.models import ShedCount

logger = logging.getLogger(__name__)

WRITE_EVERY = 5.0
"""Seconds between two writes of the counts."""


class ShedWork:
    """The counts of one process. Lives in one event loop."""

    def __init__(self, database: DatabaseThread) -> None:
        self._database = database
        self._counts: Counter[OptionalWork] = Counter()
        self._counted = asyncio.Event()

    def count(self, work: OptionalWork, times: int = 1) -> None:
        self._counts[work] += times
        count_shed(work.value, times)
        self._counted.set()

    async def run(self) -> None:
        """Write the counts now and then, until cancelled."""
        while True:
            await self._counted.wait()
            await asyncio.sleep(WRITE_EVERY)
            await self.write()

    async def write(self) -> None:
        """Write what was counted since the last time; kept for the next time where the database is away."""
        self._counted.clear()
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            await self._database.run(_add_to_hour, counts)
        except Error as error:
            logger.warning("shed_work_not_written", extra=described(error) | THINNED)
            self._counts.update(counts)
            self._counted.set()


@transaction.atomic
def _add_to_hour(counts: Mapping[OptionalWork, int]) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for work, times in sorted(counts.items()):
        row, _ = ShedCount.objects.get_or_create(hour=hour, work=work)
        ShedCount.objects.filter(pk=row.pk).update(count=F("count") + times)
