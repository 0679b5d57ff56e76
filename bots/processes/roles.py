"""What has to be done in an installation, and what of it nobody does. Which kinds of processes there are does not matter:
``runportal`` does everything, and an installation without grants needs no refresher."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from bots.enums import ProcessHealth, ProcessPart, ProcessRole
from bots.models import Bot, FleetProcess

PARTS: Final[dict[ProcessRole, frozenset[str]]] = {
    ProcessRole.LISTEN: frozenset({ProcessPart.EVENT_LOOP, ProcessPart.CONNECTIONS}),
    ProcessRole.WORK: frozenset({ProcessPart.TASKS, ProcessPart.HANDLERS}),
    ProcessRole.REFRESH: frozenset({ProcessPart.TASKS, ProcessPart.REFRESH}),
    ProcessRole.SCHEDULE: frozenset({ProcessPart.SCHEDULE}),
}
"""What has to make its passes in a process that does it."""
PLANNED_SECONDS: Final = 300.0
"""How long nobody needs to have a role after its last process was ended as it should be: who did that knows, and a rollout that
fetches an image takes minutes."""
MOST: Final = 1_000
"""Processes that are looked at, those heard of last."""

_needs: dict[ProcessRole, Callable[[], bool]] = {}


def count_as_needed(role: ProcessRole, is_needed: Callable[[], bool]) -> None:
    """The role has to be filled while ``is_needed``."""
    _needs[role] = is_needed


def needed_roles() -> list[ProcessRole]:
    return [role for role in ProcessRole if role in _needs and _needs[role]()]


@dataclass(frozen=True, slots=True)
class MissingRole:
    """A role that nobody has ``since`` then, and for long enough that somebody has to be told (``is_overdue``)."""

    role: ProcessRole
    since: datetime
    is_overdue: bool


def is_done(role: ProcessRole, processes: Iterable[FleetProcess]) -> bool:
    """Whether one of the processes does it now."""
    return any(_does(process, role) for process in processes)


def recent_processes() -> list[FleetProcess]:
    """Those that were heard of in the last hour or so, with their health: others are forgotten."""
    return list(FleetProcess.objects.with_age().order_by("-seen_at")[:MOST])


def missing_roles(*, watched_seconds: float) -> Iterator[MissingRole]:
    """Roles that are needed and that nobody has.

    ``watched_seconds``: for how long the process that asks has been hearing of others. After an outage of the database, and after
    a start of everything, all heartbeats are old or not there yet: nobody is missed before it has watched for as long as a
    missing process is given.
    """
    processes, now = recent_processes(), timezone.now()
    watched_since = now - timedelta(seconds=watched_seconds)
    for role in needed_roles():
        holders = [process for process in processes if role in process.roles]
        if is_done(role, holders):
            continue
        since = max((_heard_of(process) for process in holders), default=watched_since)
        last = max(holders, key=_heard_of, default=None)
        is_planned = last is not None and last.stopped_at is not None
        patience = max(settings.ALERT_SECONDS, PLANNED_SECONDS if is_planned else 0.0)
        is_overdue = now - max(since, watched_since) >= timedelta(seconds=patience)
        yield MissingRole(role, since, is_overdue or _is_stalled(last))


def _does(process: FleetProcess, role: ProcessRole) -> bool:
    is_heard = process.health in {ProcessHealth.WORKING, ProcessHealth.STALLED}
    return role in process.roles and is_heard and not PARTS[role].intersection(process.stalled)


def _heard_of(process: FleetProcess) -> datetime:
    return process.stopped_at or process.seen_at


def _is_stalled(process: FleetProcess | None) -> bool:
    """It says itself that it stands still, which it says after a minute and more."""
    return process is not None and process.health == ProcessHealth.STALLED


for _role in (ProcessRole.WORK, ProcessRole.SCHEDULE):
    count_as_needed(_role, lambda: Bot.objects.enabled().exists())
count_as_needed(ProcessRole.LISTEN, lambda: Bot.objects.listening().exists())
