"""What the portal has seen of a bot, and what that says of a check: a message arrived, somebody authorized, a consent failed.

Apps above register who reads it, from rows that they keep anyway. It is read when a person looks or the doctor does, never
when an event arrives.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from bots.doctor.findings import Check, Finding
from bots.enums import CheckResult
from bots.models import Bot


@dataclass(frozen=True, slots=True)
class Observation:
    """A finding that follows from what happened, and when that was. ``settles``: it stands in for a finding that says nothing for
    certain, whichever is newer; else only for an older one."""

    finding: Finding
    at: datetime
    settles: bool = True


Observer: TypeAlias = Callable[[Bot], Iterable[Observation]]
"""Reads a bounded number of rows."""

_YIELDING: Final = frozenset({CheckResult.UNKNOWN, CheckResult.WAITING})
_observers: list[Observer] = []


def register(observer: Observer) -> Observer:
    """A decorator; the module is to be loaded by ``AppConfig.ready``."""
    _observers.append(observer)
    return observer


def observed(bot: Bot) -> dict[Check, Observation]:
    """The latest observation for each check that there is one for."""
    latest: dict[Check, Observation] = {}
    for observer in _observers:
        for one in observer(bot):
            known = latest.get(one.finding.check)
            if known is None or known.at < one.at:
                latest[one.finding.check] = one
    return latest


def supersedes(seen: Observation, found: Finding, looked_at: datetime) -> bool:
    """Whether the observation says more than the finding: it is newer, or the finding says nothing for certain."""
    return (seen.settles and found.result in _YIELDING) or seen.at > looked_at
