"""Which events are searched for, in a form that can be stored: for the log, a replay, the API."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from events.enums import DeliveryStatus, RunStatus
from events.log.sql_functions import PayloadContains
from events.models import Delivery, HandlerRun

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EventCriteria:
    """All that is given has to hold. ``bots`` None is every bot, an empty tuple is none."""

    bots: tuple[UUID, ...] | None = None
    event_type: str = ""
    statuses: tuple[str, ...] = ()
    arrived_by: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    """Part of the payload, matched exactly."""
    handler: str = ""
    """Events whose run of this handler is dead."""
    subscription: str = ""
    """Events whose delivery to the subscription with this ID is dead."""
    fingerprint: str = ""
    """With ``handler`` or ``subscription``: of this kind of error."""
    pks: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        """Moments far out are as good as the nearest that can be reckoned with."""
        for name in ("since", "until"):
            moment: datetime | None = getattr(self, name)
            if moment is not None:
                object.__setattr__(self, name, min(max(moment, EARLIEST), LATEST))

    def as_json(self) -> dict[str, Any]:
        """What is given, as JSON can hold it."""
        found = {name: value for name, value in asdict(self).items() if value not in (None, "", ())}
        if self.bots is not None:
            found["bots"] = [str(bot) for bot in self.bots]
        if self.pks is not None:
            found["pks"] = list(self.pks)
        for name in ("since", "until"):
            if name in found:
                found[name] = found[name].isoformat()
        return found

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The reverse of ``as_json``; raises ValueError or TypeError for anything else."""
        known = {field.name for field in fields(cls)}
        if unknown := stored.keys() - known:
            raise ValueError(f"unknown criteria: {sorted(unknown)}")
        values = dict(stored)
        for name in ("since", "until"):
            if name in values:
                values[name] = datetime.fromisoformat(values[name])
        for name in ("statuses", "pks"):
            if name in values:
                values[name] = tuple(values[name])
        if "bots" in values:
            values["bots"] = tuple(UUID(bot) for bot in values["bots"])
        return cls(**values)

    def of_bot(self, bot: UUID) -> Self:
        """Narrowed to one bot; to none where it is not among ``bots``."""
        return replace(self, bots=(bot,) if self.bots is None or bot in self.bots else ())

    def columns(self) -> Q:
        """The conditions on columns; all but ``text``."""
        found = Q()
        if self.bots is not None:
            found &= Q(bot_id__in=self.bots)
        if self.pks is not None:
            found &= Q(pk__in=self.pks)
        if self.event_type:
            found &= Q(event_type=self.event_type)
        if self.statuses:
            found &= Q(status__in=self.statuses)
        if self.arrived_by:
            found &= Q(arrived_by=self.arrived_by)
        if self.since:
            found &= Q(received_at__gte=self.since)
        if self.until:
            found &= Q(received_at__lt=self.until)
        if self.handler:
            found &= Q(Exists(self.dead_runs().filter(event=OuterRef("pk"))))
        if self.subscription:
            found &= Q(Exists(self.dead_deliveries().filter(event=OuterRef("pk"))))
        return found

    def dead_runs(self) -> QuerySet[HandlerRun]:
        """The runs that ``handler`` and ``fingerprint`` are about; one of an event at most."""
        dead = HandlerRun.objects.filter(handler=self.handler, status=RunStatus.DEAD, is_current=True)
        return dead.filter(fingerprint=self.fingerprint) if self.fingerprint else dead

    def dead_deliveries(self) -> QuerySet[Delivery]:
        """The deliveries that ``subscription`` and ``fingerprint`` are about; one of an event at most."""
        dead = Delivery.objects.filter(
            subscription=UUID(self.subscription), status=DeliveryStatus.DEAD, is_current=True
        )
        return dead.filter(fingerprint=self.fingerprint) if self.fingerprint else dead

    def without(self, names: Collection[str]) -> Self:
        """The other criteria, where these are known to hold."""
        nothing = type(self)()
        return replace(self, **{name: getattr(nothing, name) for name in names})

    def conditions(self) -> Q:
        """Everything, the payload included."""
        return self.columns() & Q(PayloadContains("payload", self.text)) if self.text else self.columns()
