"""Machines whose clock differs from the platform's, as incidents of the installation: superusers are notified."""

from collections.abc import Iterator
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.connections.advice import clock_differs
from bots.incidents.causes import Cause, Details
from bots.incidents.detectors import Detector, Problem, Subject, register
from bots.models import FleetProcess
from core.database.clock import DatabaseTime
from feishu.numbers import integer
from feishu.platform_clock import TOLERANCE

SEEN_WITHIN: Final = 120.0
"""Seconds since a process was last heard of; after that it says nothing about its machine any more."""

CLOCK: Final = Cause(
    name="clock",
    label=_("Wrong clock"),
    headline=_("The clock of %(subject)s differs from the platform's"),
    explain=lambda details: clock_differs(integer(details.message) or 0),
    page="connections",
    is_severe=False,
)


def wrong_clocks() -> Iterator[Problem]:
    """One process of each machine whose clock is off."""
    off = Q(clock_offset__gt=TOLERANCE) | Q(clock_offset__lt=-TOLERANCE)
    machines = set()
    for process in _living().filter(off).order_by("id"):
        machine = process.name.partition(":")[0]
        if machine not in machines and process.clock_offset is not None:
            machines.add(machine)
            # In whole minutes: the row of an open incident is written only when this changes.
            details = Details(message=str(round(process.clock_offset / 60) * 60))
            yield Problem(Subject(process.id, process.name, None), CLOCK, timezone.now(), details)


def _living() -> QuerySet[FleetProcess]:
    return FleetProcess.objects.filter(seen_at__gt=DatabaseTime(-SEEN_WITHIN))


register(
    Detector(causes=(CLOCK,), find=wrong_clocks, monitored=lambda: _living().values_list("id", flat=True))
)
