"""What has to be done in the installation and is done by nobody, as one incident each, of which administrators are told.

Whichever process is alive finds them, see ``feishu_portal.runtime.pulse``: the sweep that finds all other incidents is run by a
worker, at the word of the scheduler, and both may be what is missing.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final
from uuid import UUID, uuid5

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bots.connections import advice
from bots.enums import ProcessRole
from bots.incidents.causes import Cause, register_causes
from bots.incidents.detection import detect_by
from bots.incidents.detectors import DetectedProblem, Detector, Subject
from bots.incidents.notices import due_people, send_due
from bots.models import Incident
from bots.processes.roles import missing_roles, needed_roles
from feishu.codes import CodeInfo

MOST_PEOPLE: Final = 20
"""Who are written to after one look; others after the next."""

_NAMESPACE: Final = UUID("0b6d5b0a-6f0c-4e4e-9a57-2f6f3c1d7a01")


def _cause(name: str, label: Promise, headline: Promise, advised: CodeInfo) -> Cause:
    return Cause(
        name, label, headline, explain=lambda _details: advised, page="admin:bots_fleetprocess_changelist"
    )


NO_FLEET: Final = _cause(
    "no_fleet",
    _("Nobody holds connections"),
    _("No %(subject)s is running: no bot is connected"),
    advice.NO_PROCESS,
)
CAUSES: Final = {
    ProcessRole.LISTEN: NO_FLEET,
    ProcessRole.WORK: _cause(
        "no_worker",
        _("Nobody runs handlers"),
        _("No %(subject)s is running: events are stored and not handled"),
        advice.NO_WORKER,
    ),
    ProcessRole.REFRESH: _cause(
        "no_refresher",
        _("Nobody refreshes tokens"),
        _("No %(subject)s is running: user tokens will end"),
        advice.NO_REFRESHER,
    ),
    ProcessRole.SCHEDULE: _cause(
        "no_scheduler",
        _("Nobody schedules"),
        _("No %(subject)s is running: what is due is not done"),
        advice.NO_SCHEDULER,
    ),
}
SUBJECTS: Final = {
    role: Subject(uuid5(_NAMESPACE, name), name, owner_id=None)
    for role, name in (
        (ProcessRole.LISTEN, "runfeishu"),
        (ProcessRole.WORK, "worker"),
        (ProcessRole.REFRESH, "refresher"),
        (ProcessRole.SCHEDULE, "beat"),
    )
}


def watch_fleet(*, watched_seconds: float) -> list[tuple[int, str]]:
    """Open and close incidents of the fleet; ``watched_seconds``: see ``missing_roles``. Returns who is to be written to now, with
    the channel."""
    causes = tuple(CAUSES.values())
    detect_by([Detector(causes, partial(_problems, watched_seconds), _monitored)])
    return due_people(causes=[cause.name for cause in causes])[:MOST_PEOPLE]


def tell_people(people: list[tuple[int, str]]) -> None:
    """Send what is due for them; each notice is claimed, so that a worker that lives sends none twice."""
    for user_id, channel in people:
        send_due(user_id, channel)


def is_open() -> bool:
    """Whether it is known that nobody holds connections."""
    return Incident.objects.open().filter(cause=NO_FLEET.name).exists()


def _problems(watched_seconds: float) -> Iterator[DetectedProblem]:
    missing = list(missing_roles(watched_seconds=watched_seconds))
    known: set[str] = set()
    if any(not one.is_overdue for one in missing):
        # One that was opened stays so, also for a process that has not watched for as long.
        known = set(Incident.objects.open().filter(bot=None).values_list("cause", flat=True))
    for one in missing:
        cause = CAUSES[one.role]
        if one.is_overdue or cause.name in known:
            yield DetectedProblem(SUBJECTS[one.role], cause, one.since)


def _monitored() -> list[UUID]:
    return [SUBJECTS[role].pk for role in needed_roles()]


register_causes(CAUSES.values())
