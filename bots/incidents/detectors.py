"""Who finds problems: each app registers its detectors."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from bots.incidents.causes import Cause, Details, register_causes
from bots.models import Bot

NO_DETAILS: Final = Details()


@dataclass(frozen=True, slots=True)
class Subject:
    """Something other than a bot that can have a problem. ``owner_id``: the operator who is notified."""

    pk: UUID
    name: str
    owner_id: int | None


@dataclass(frozen=True, slots=True)
class DetectedProblem:
    """What is wrong now, and with what."""

    subject: Bot | Subject
    cause: Cause
    began_at: datetime
    details: Details = NO_DETAILS


@dataclass(frozen=True, slots=True)
class Detector:
    """Finds problems of certain causes.

    ``monitored``: ids of the subjects that can have them now. No recovery is sent for one of the others: it was
    switched off.
    """

    causes: tuple[Cause, ...]
    find: Callable[[], Iterable[DetectedProblem]]
    monitored: Callable[[], Iterable[UUID]]


_detectors: list[Detector] = []


def register(detector: Detector) -> None:
    """Have the detector asked in every sweep; to be called from ``AppConfig.ready``."""
    register_causes(detector.causes)
    _detectors.append(detector)


def registered_detectors() -> list[Detector]:
    """All of them, those of lower apps first."""
    return list(_detectors)
