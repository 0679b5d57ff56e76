"""The processes of an installation, as each says of itself."""

import uuid
from typing import Final, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from bots.enums import LISTENING, ProcessHealth, ProcessKind
from core.database.clock import DatabaseTime

SILENT_AFTER: Final = 45.0
"""Seconds without a heartbeat: four of them are missing."""


class FleetProcessQuerySet(models.QuerySet["FleetProcess"]):
    def seen_within(self, seconds: float) -> Self:
        return self.filter(seen_at__gt=DatabaseTime(-seconds))

    def listeners(self) -> Self:
        """Processes that hold connections and were not ended."""
        return self.filter(kind__in=LISTENING, stopped_at=None)

    def with_age(self) -> Self:
        """``is_heard`` says whether a heartbeat came lately, by the database's clock."""
        is_heard = models.Q(seen_at__gt=DatabaseTime(-SILENT_AFTER))
        return self.annotate(is_heard=models.ExpressionWrapper(is_heard, models.BooleanField()))


class FleetProcess(models.Model):
    """A process of the portal and its heartbeats, by the database's clock.

    ``seen_at`` is written every few seconds on a thread of its own; of a process that holds connections with its leases, each
    second or so, so that one whose rounds stand still is no peer of the others any more. A prefork worker is one process.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(
        _("kind"), max_length=10, choices=ProcessKind.choices, default=ProcessKind.RUNFEISHU
    )
    name = models.CharField(_("name"), max_length=100)
    host = models.CharField(_("host"), max_length=100, blank=True)
    pid = models.PositiveIntegerField("PID", null=True)
    version = models.CharField(_("version"), max_length=50, blank=True)
    roles: models.JSONField[list[str]] = models.JSONField(default=list)
    """Of ``ProcessRole``: what it does."""
    started_at = models.DateTimeField(_("started"), null=True)
    seen_at = models.DateTimeField(_("last heartbeat"))
    worked_at = models.DateTimeField(_("last pass"), null=True)
    """When one of its parts last made a pass."""
    stalled: models.JSONField[list[str]] = models.JSONField(default=list)
    """Of ``ProcessPart``: what stood still at its last heartbeat."""
    stopped_at = models.DateTimeField(null=True)
    """When it was ended as it should be."""
    watched_at = models.DateTimeField(null=True)
    """When it last looked for roles that nobody has; one process does at a time."""
    capacity = models.PositiveIntegerField(default=0)
    """Connections it can hold. This and what follows is said by processes that hold some."""
    draining = models.BooleanField(default=False)
    only: models.JSONField[list[str]] = models.JSONField(default=list)
    clock_offset = models.FloatField(null=True)
    """Seconds by which the platform's clock is ahead of the process's; None while nobody knows."""

    objects = FleetProcessQuerySet.as_manager()

    class Meta:
        default_permissions = ()  # a page of administrators is about it
        verbose_name = _("process")
        verbose_name_plural = _("processes")
        constraints = (
            models.CheckConstraint(
                name="process_kind_known", condition=models.Q(kind__in=ProcessKind.values)
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def health(self) -> ProcessHealth:
        """Of rows read with ``with_age``."""
        if self.stopped_at is not None:
            return ProcessHealth.STOPPED
        if not getattr(self, "is_heard", True):
            return ProcessHealth.SILENT
        return ProcessHealth.STALLED if self.stalled else ProcessHealth.WORKING
