"""Problems that an operator has silenced for a day: they are listed apart, and nobody is notified of them meanwhile."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from bots.incidents.shown import cards_follow
from bots.models import Incident, Notice, ProblemSilence
from core.access import audit
from core.access.actors import Actor
from core.console.overview import Problem

PERMISSION: Final = "bots.change_incident"
"""What an operator needs to silence a problem, and to end that."""
DAY: Final = timedelta(days=1)
MAX_CAUSE: Final = 200
"""Characters of a kind of cause that are kept."""


@transaction.atomic
def silence(problem: Problem, *, actor: Actor) -> None:
    """From now on for a day; notices that were not sent yet are due after it."""
    until = timezone.now() + DAY
    values = {"cause": problem.cause[:MAX_CAUSE], "by": str(actor), "until": until}
    bot_id = problem.bot.pk if problem.bot else None
    ProblemSilence.objects.update_or_create(key=problem.key, defaults=values | {"bot_id": bot_id})
    incidents = _incidents_of(problem.key)
    _unsent(incidents).filter(due_at__lt=until).update(due_at=until)
    cards_follow(incidents)
    audit.record(
        actor=actor,
        action="problem.silenced",
        bot=problem.bot,
        target=problem.subject,
        problem=problem.cause,
        until=until.isoformat(timespec="seconds"),
    )


@transaction.atomic
def end_silence(problem: Problem, *, actor: Actor) -> None:
    """Notices that waited are due now. Nothing happens where there is no silence."""
    deleted, _by_model = ProblemSilence.objects.filter(key=problem.key).delete()
    if not deleted:
        return
    incidents = _incidents_of(problem.key)
    _unsent(incidents).update(due_at=timezone.now())
    cards_follow(incidents)
    audit.record(
        actor=actor,
        action="problem.unsilenced",
        bot=problem.bot,
        target=problem.subject,
        problem=problem.cause,
    )


def silences(problems: list[Problem]) -> dict[str, ProblemSilence]:
    """The silences that hold for these problems, by key: for this kind of cause, and not over."""
    causes = {problem.key: problem.cause[:MAX_CAUSE] for problem in problems}
    rows = ProblemSilence.objects.filter(key__in=causes, until__gt=timezone.now()) if causes else ()
    return {row.key: row for row in rows if row.cause == causes[row.key]}


def silence_of(incident: Incident) -> ProblemSilence | None:
    """The silence that holds for an incident: for its kind of cause, and not over."""
    return silences_of([incident]).get(incident.pk)


def silences_of(incidents: Sequence[Incident]) -> dict[int, ProblemSilence]:
    """The same of several, by primary key."""
    keys = {incident.problem_key for incident in incidents}
    rows = ProblemSilence.objects.filter(key__in=keys, until__gt=timezone.now()) if keys else ()
    by_kind = {(row.key, row.cause): row for row in rows}
    found = {one.pk: by_kind.get((one.problem_key, one.kind[:MAX_CAUSE])) for one in incidents}
    return {pk: row for pk, row in found.items() if row is not None}


def end_for_other_kind(incident: Incident) -> None:
    """The incident has begun, or has another code than before: a silence for another kind of cause is over."""
    others = ProblemSilence.objects.filter(key=incident.problem_key).exclude(cause=incident.kind[:MAX_CAUSE])
    if others.delete()[0]:
        incidents = _incidents_of(incident.problem_key)
        _unsent(incidents).update(due_at=timezone.now())
        cards_follow(incidents)


def due_from(incident: Incident) -> datetime:
    """When a notice of an incident that begins now is due."""
    found = silence_of(incident)
    return found.until if found else timezone.now()


def _incidents_of(key: str) -> list[Incident]:
    """The open incidents of a problem."""
    try:
        subject = UUID(key.rpartition(":")[2])
    except ValueError:  # a problem that no incident is about
        return []
    about = Incident.objects.open().filter(Q(bot=subject) | Q(subject_id=subject))
    return [one for one in about if one.problem_key == key]


def _unsent(incidents: list[Incident]) -> QuerySet[Notice]:
    """Their notices that are still to be sent."""
    waiting = Notice.objects.filter(problem_sent_at=None, due_at__isnull=False)
    return waiting.filter(incident__in=[one.pk for one in incidents])
