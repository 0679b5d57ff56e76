"""What was left out under load, by the hour."""

from collections import Counter
from collections.abc import Mapping

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from events.enums import OptionalWork
from events.models import ShedCount


class LeftOutCounts:
    """Counts of one process that are not written down yet."""

    def __init__(self) -> None:
        self._counts: Counter[OptionalWork] = Counter()

    def add(self, extra: OptionalWork, times: int = 1) -> None:
        self._counts[extra] += times

    def take(self) -> Counter[OptionalWork]:
        """What there is to write; nothing is left."""
        taken, self._counts = self._counts, Counter()
        return taken

    def put_back(self, counts: Mapping[OptionalWork, int]) -> None:
        """What could not be written."""
        self._counts.update(counts)


@transaction.atomic
def write_left_out(counts: Mapping[OptionalWork, int]) -> None:
    """Add to the counts of this hour."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for extra, times in sorted(counts.items()):
        row, _ = ShedCount.objects.get_or_create(hour=hour, work=extra)
        ShedCount.objects.filter(pk=row.pk).update(count=F("count") + times)
