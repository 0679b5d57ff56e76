"""Opening and closing incidents by what the detectors find.

Level-triggered, by whichever worker runs the sweep; a constraint lets one cause of one subject be open once.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from bots.incidents.detectors import DetectedProblem, Detector, registered_detectors
from bots.incidents.notices import address_notices, drop_notices, follow_up_notices
from bots.incidents.shown import cards_follow
from bots.incidents.silences import end_for_other_kind
from bots.live_updates import bots_changed
from bots.models import Bot, Incident

logger = logging.getLogger(__name__)

RECOVERY: Final = timedelta(minutes=2)
"""For so long a problem has to be gone before its incident is closed: one that comes and goes is one incident."""


def detect() -> None:
    """Open incidents for what is wrong and close those that are over."""
    detect_by(registered_detectors())


def detect_by(detectors: Sequence[Detector]) -> None:
    """The same for what these detectors find."""
    causes = [cause.name for detector in detectors for cause in detector.causes]
    open_incidents = list(Incident.objects.open().filter(cause__in=causes))
    for detector in detectors:
        names = {cause.name for cause in detector.causes}
        _compare(detector, [incident for incident in open_incidents if incident.cause in names])


def _compare(detector: Detector, open_incidents: list[Incident]) -> None:
    problems = {(problem.subject.pk, problem.cause.name): problem for problem in detector.find()}
    monitored = set(detector.monitored())
    for incident in open_incidents:
        problem = problems.pop((incident.affected_id, incident.cause), None)
        if problem is not None:
            _keep_open(incident, problem)
        elif incident.affected_id not in monitored:
            _close(incident, notify=False)
        else:
            _recover(incident)
    for problem in problems.values():
        _open(problem)


def _open(problem: DetectedProblem) -> None:
    """Unless another worker was first."""
    subject = problem.subject
    affected: dict[str, object] = (
        {"bot": subject}
        if isinstance(subject, Bot)
        else {"subject_id": subject.pk, "subject": subject.name, "owner_id": subject.owner_id}
    )
    try:
        with transaction.atomic():
            incident = Incident.objects.create(
                **affected,
                cause=problem.cause.name,
                began_at=problem.began_at,
                **asdict(problem.details),
            )
            end_for_other_kind(incident)
            address_notices(incident)
            _announce(incident, event="incident_opened")
    except IntegrityError:
        return


def _keep_open(incident: Incident, problem: DetectedProblem) -> None:
    """With what is known of the problem now."""
    values = asdict(problem.details) | {"recovered_at": None}
    if any(getattr(incident, name) != value for name, value in values.items()):
        before = incident.explanation
        Incident.objects.filter(pk=incident.pk, closed_at=None).update(**values)
        for name, value in values.items():
            setattr(incident, name, value)
        end_for_other_kind(incident)
        if incident.explanation != before:
            cards_follow([incident])


def _recover(incident: Incident) -> None:
    """The problem is gone: close the incident when it stays away."""
    now = timezone.now()
    if incident.recovered_at is None:
        Incident.objects.filter(pk=incident.pk, closed_at=None).update(recovered_at=now)
    elif now - incident.recovered_at >= RECOVERY:
        _close(incident, notify=True)


@transaction.atomic
def _close(incident: Incident, *, notify: bool) -> None:
    if Incident.objects.filter(pk=incident.pk, closed_at=None).update(closed_at=timezone.now()):
        (follow_up_notices if notify else drop_notices)(incident)
        _announce(incident, event="incident_closed")


def _announce(incident: Incident, *, event: str) -> None:
    """To the log, and to the pages that show the bot."""
    facts = {
        "incident": incident.pk,
        "cause": incident.cause,
        "bot": str(incident.bot_id or ""),
        "subject": incident.subject,
        "platform_code": incident.code,
        "reason": incident.reason,
    }
    known = {name: value for name, value in facts.items() if value not in ("", None)}
    transaction.on_commit(lambda: logger.warning(event, extra=known))
    if incident.bot_id is not None:
        bots_changed([incident.bot_id])
