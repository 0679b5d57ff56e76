"""How many events arrived and what became of them, by bot and span of time: what charts are drawn from."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from core.access.visibility import OwnedQuerySet

HOUR: Final = 60
SLOT: Final = 5
"""Minutes of the shorter spans, of which only the last hours are kept."""


def _number() -> "models.PositiveIntegerField[int, int]":
    return models.PositiveIntegerField(default=0)


class EventCountQuerySet(OwnedQuerySet["EventCount"]):
    pass


class EventCount(models.Model):
    """The events of one bot that arrived in a span of ``minutes`` from ``start`` (UTC), as they stood when they were counted.

    ``within_…`` tell how long after the platform made them the events were done: each event is in the first one that it
    fits. Without events that only a replay brought to their end: those took as long as a person took to notice.
    """

    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="event_counts", verbose_name=_("bot"), db_index=False
    )
    start = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField()

    done = _number()
    failed = _number()
    ignored = _number()
    stale = _number()
    quarantined = _number()
    unfinished = _number()
    """Received, and not handled yet."""
    duplicates = _number()
    clicks = _number()
    late_clicks = _number()
    """Clicks on cards whose person was told to wait."""

    within_100ms = _number()
    within_250ms = _number()
    within_500ms = _number()
    within_1s = _number()
    within_2s = _number()
    within_3s = _number()
    within_5s = _number()
    within_10s = _number()
    within_30s = _number()
    within_1min = _number()
    within_10min = _number()
    within_1h = _number()
    longer = _number()

    objects = EventCountQuerySet.as_manager()

    class Meta:
        verbose_name = _("event count")
        verbose_name_plural = _("event counts")
        default_permissions = ()  # no list of the console is about it
        constraints = (
            models.UniqueConstraint(name="event_count_once", fields=("bot", "minutes", "start")),
            models.CheckConstraint(
                name="event_count_minutes_known", condition=models.Q(minutes__in=(SLOT, HOUR))
            ),
        )
        indexes = (models.Index(name="event_count_span", fields=("minutes", "start")),)

    def __str__(self) -> str:
        return f"{self.bot_id} {self.start:%Y-%m-%d %H:%M}"

    def add(self, other: "EventCount") -> None:
        """Add the numbers of another one."""
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


WITHIN: Final = {
    "within_100ms": 0.1, "within_250ms": 0.25, "within_500ms": 0.5, "within_1s": 1.0, "within_2s": 2.0, "within_3s": 3.0,
    "within_5s": 5.0, "within_10s": 10.0, "within_30s": 30.0, "within_1min": 60.0, "within_10min": 600.0,
    "within_1h": 3600.0,
}  # fmt: skip
"""Columns of durations and their upper bounds in seconds; what took ``longer`` is in the column of that name."""

OUTCOMES: Final = ("done", "failed", "ignored", "stale", "quarantined", "unfinished")
"""Columns of which each event is in one."""

NUMBERS: Final = (*OUTCOMES, "duplicates", "clicks", "late_clicks", *WITHIN, "longer")


class CountedHour(models.Model):
    """When an hour of the log was counted, and when it has to be counted again; None once nothing in it changes any more."""

    start = models.DateTimeField(primary_key=True)
    counted_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("counted hour")
        verbose_name_plural = _("counted hours")
        default_permissions = ()
        indexes = (
            models.Index(
                name="counted_hour_due", fields=("due_at",), condition=models.Q(due_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M}"
