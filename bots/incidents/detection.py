"""When something needs a person, and when it no longer does: incidents are opened and closed by what the rows say.

Level-triggered, by whichever worker looks; a constraint lets one cause of one subject be open once. Who knows of
troubles, here or in an app above, registers a ``Watch``.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from bots.enums import IncidentCause
from bots.incidents.notices import address_notices, drop_notices, follow_up_notices
from bots.live_updates import bots_changed
from bots.models import Bot, ConnectionSlot, Incident, PlatformCount
from feishu.categories import Category

WELL: Final = timedelta(minutes=2)
"""For so long a trouble has to be away before its incident is over: what comes and goes is one incident."""
KEPT: Final = timedelta(days=180)
STEP: Final = 1000
"""Incidents forgotten in one run."""
_FATAL: Final = frozenset({Category.CONFIGURATION, Category.WRONG_BRAND})


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that is no bot and has an owner."""

    pk: UUID
    name: str
    owner_id: int | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong now, and with what."""

    of: Bot | Subject
    cause: IncidentCause
    began_at: datetime
    code: int | None = None
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """Knows of troubles with certain causes. ``concerned``: ids of what can have them now; of what cannot any more,
    because somebody switched it off, nobody is told that it is well again."""

    causes: frozenset[IncidentCause]
    troubles: Callable[[], Iterable[Trouble]]
    concerned: Callable[[], Iterable[UUID]]


_watches: list[Watch] = []


def register(watch: Watch) -> None:
    """Have it asked whenever incidents are looked after."""
    _watches.append(watch)


def watch() -> None:
    """Open incidents for what is wrong and close those that are over."""
    standing = list(Incident.objects.open())
    for one in _watches:
        _look(one, [incident for incident in standing if incident.cause in one.causes])


def _look(watch: Watch, standing: list[Incident]) -> None:
    troubles = {(trouble.of.pk, trouble.cause.value): trouble for trouble in watch.troubles()}
    concerned = set(watch.concerned())
    for incident in standing:
        trouble = troubles.pop((incident.about_id, incident.cause), None)
        if trouble is not None:
            _keep(incident, trouble)
        elif incident.about_id not in concerned:
            _close(incident, tell=False)
        else:
            _mend(incident)
    for trouble in troubles.values():
        _open(trouble)


def _listening() -> Iterable[UUID]:
    return Bot.objects.listening().values_list("pk", flat=True)


def _of_connections() -> Iterator[Trouble]:
    yield from _deaf()
    yield from _foreign()


def _deaf() -> Iterator[Trouble]:
    """Bots that should hear and have not heard for longer than settings.ALERT_SECONDS, on any connection."""
    hearing = ConnectionSlot.objects.hearing().filter(bot=OuterRef("pk"))
    patience = timedelta(seconds=settings.ALERT_SECONDS)
    now = timezone.now()
    for bot in Bot.objects.listening().exclude(Exists(hearing)).prefetch_related("slots"):
        slots = list(bot.slots.all())
        # Whoever has just changed the bot is looking at it, and deserves to see whether that helped.
        since = max(bot.updated_at, *(_down_since(slot) or bot.updated_at for slot in slots))
        if now - since >= patience:
            yield _explained(bot, slots, since)


def _down_since(slot: ConnectionSlot) -> datetime | None:
    """A process that died leaves a row that reads as connected, but for its lease."""
    return slot.down_since or slot.lease_until or slot.state_changed_at


def _explained(bot: Bot, slots: list[ConnectionSlot], since: datetime) -> Trouble:
    slot, problem = next(((slot, slot.problem) for slot in slots if slot.problem), (None, None))
    if slot is None or problem is None:
        return Trouble(bot, IncidentCause.NOT_CONNECTED, since)
    fatal = problem.category in _FATAL
    cause = IncidentCause.CONFIGURATION if fatal else IncidentCause.NOT_CONNECTED
    return Trouble(bot, cause, since, slot.error_code, slot.error_reason, slot.error_message)


def _foreign() -> Iterator[Trouble]:
    counts = PlatformCount.objects.filter(more_looks__gte=2, bot__in=Bot.objects.listening())
    for count in counts.select_related("bot"):
        yield Trouble(
            count.bot,
            IncidentCause.FOREIGN,
            count.looked_at or timezone.now(),
            message=f"{count.online}/{count.held}",
        )


def _open(trouble: Trouble) -> None:
    """Unless another worker was first."""
    try:
        with transaction.atomic():
            incident = Incident.objects.create(
                **_of(trouble.of),
                cause=trouble.cause,
                began_at=trouble.began_at,
                code=trouble.code,
                reason=trouble.reason,
                message=trouble.message,
            )
            address_notices(incident)
            _tell_pages(incident)
    except IntegrityError:
        return


def _of(subject: Bot | Subject) -> dict[str, object]:
    if isinstance(subject, Bot):
        return {"bot": subject}
    return {"subject_id": subject.pk, "subject": subject.name, "owner_id": subject.owner_id}


def _tell_pages(incident: Incident) -> None:
    if incident.bot_id is not None:
        bots_changed([incident.bot_id])


def _keep(incident: Incident, trouble: Trouble) -> None:
    now_known = {
        "code": trouble.code,
        "reason": trouble.reason,
        "message": trouble.message,
        "well_since": None,
    }
    if any(getattr(incident, name) != value for name, value in now_known.items()):
        Incident.objects.filter(pk=incident.pk, closed_at=None).update(**now_known)


def _mend(incident: Incident) -> None:
    """The trouble is away: see whether that lasts."""
    now = timezone.now()
    if incident.well_since is None:
        Incident.objects.filter(pk=incident.pk, closed_at=None).update(well_since=now)
    elif now - incident.well_since >= WELL:
        _close(incident, tell=True)


def prune() -> int:
    """Forget incidents that were over half a year ago, a bounded stretch at a time; how many."""
    old = (
        Incident.objects.filter(closed_at__lt=timezone.now() - KEPT)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    ids = list(old[:STEP])
    Incident.objects.filter(pk__in=ids).delete()
    return len(ids)


@transaction.atomic
def _close(incident: Incident, *, tell: bool) -> None:
    if Incident.objects.filter(pk=incident.pk, closed_at=None).update(closed_at=timezone.now()):
        (follow_up_notices if tell else drop_notices)(incident)
        _tell_pages(incident)


register(
    Watch(
        causes=frozenset({IncidentCause.CONFIGURATION, IncidentCause.NOT_CONNECTED, IncidentCause.FOREIGN}),
        troubles=_of_connections,
        concerned=_listening,
    )
)
