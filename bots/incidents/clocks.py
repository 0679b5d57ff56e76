"""Machines whose clock differs from the platform's, as incidents of the installation: administrators are notified."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID, uuid5

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.connections.advice import clock_differs
from bots.incidents.causes import Cause, Details
from bots.incidents.detectors import DetectedProblem, Detector, Subject, register
from bots.models import FleetProcess
from feishu.numbers import integer
from feishu.platform_clock import TOLERANCE

SEEN_WITHIN: Final = 120.0
"""Seconds since a process was last heard of; after that it says nothing about its machine any more."""

_MACHINES: Final = UUID("5b0c1d4e-6f0b-4f0e-9b53-0f6f6a4a2c11")
"""The namespace of machines' ids."""

CLOCK: Final = Cause(
    name="clock",
    label=_("Wrong clock"),
    headline=_("The clock of %(subject)s differs from the platform's"),
    explain=lambda details: clock_differs(integer(details.message) or 0),
    page="connections",
    is_severe=False,
)


def wrong_clocks() -> Iterator[DetectedProblem]:
    """Machines whose clock is off, as one process of each says."""
    off = Q(clock_offset__gt=TOLERANCE) | Q(clock_offset__lt=-TOLERANCE)
    said = _living().filter(off).order_by("name").values_list("name", "clock_offset")
    by_machine = {_machine(name): offset for name, offset in said if offset is not None}
    for machine, offset in by_machine.items():
        # In whole minutes: the row of an open incident is written only when this changes.
        details = Details(message=str(round(offset / 60) * 60))
        yield DetectedProblem(Subject(_id_of(machine), machine, None), CLOCK, timezone.now(), details)


def _monitored() -> set[UUID]:
    return {_id_of(_machine(name)) for name in _living().values_list("name", flat=True)}


def _living() -> QuerySet[FleetProcess]:
    return FleetProcess.objects.listeners().seen_within(SEEN_WITHIN)


def _machine(process: str) -> str:
    """The host in a process's name, ``host:pid``."""
    return process.rpartition(":")[0] or process


def _id_of(machine: str) -> UUID:
    """The same for all its processes, also for those that replace them: a restart is no new incident."""
    return uuid5(_MACHINES, machine)


register(Detector(causes=(CLOCK,), find=wrong_clocks, monitored=_monitored))
