"""Replays: which events are handled again, how fast, and how far each has come."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from events.enums import ReplayMode, ReplayState

if TYPE_CHECKING:
    from core.access.models import User


class ReplayJobQuerySet(models.QuerySet["ReplayJob"]):
    def open(self) -> Self:
        return self.filter(state__in=(ReplayState.WAITING, ReplayState.RUNNING))

    def visible_to(self, user: "User") -> Self:
        """A superuser sees every replay, an operator the own ones."""
        return self if user.is_superuser else self.filter(requested_by=f"operator:{user.get_username()}")


class ReplayJob(models.Model):
    """Events that are handled again: which ones, how fast, and how far it has come.

    Events are walked from the oldest to ``last``; those up to ``cursor`` are behind. A step moves the cursor in the
    transaction that adds its handler runs and deliveries, so that a crash repeats nothing.
    """

    requested_by = models.CharField(_("asked for by"), max_length=200)
    criteria: models.JSONField[dict[str, Any]] = models.JSONField(_("filter"), default=dict)
    mode = models.CharField(
        _("handlers"), max_length=6, choices=ReplayMode.choices, default=ReplayMode.FAILED
    )
    # Names of handlers and IDs of subscriptions that it is narrowed to; both empty: all.
    handlers: models.JSONField[list[str]] = models.JSONField(default=list)
    subscriptions: models.JSONField[list[str]] = models.JSONField(default=list)
    rate = models.PositiveIntegerField(_("events a second"))
    state = models.CharField(
        _("state"), max_length=9, choices=ReplayState.choices, default=ReplayState.WAITING
    )
    cursor = models.BigIntegerField(default=0, editable=False)
    last = models.BigIntegerField(editable=False)
    expected = models.PositiveIntegerField(_("matching events"), default=0)
    is_expected_bounded = models.BooleanField(default=False, editable=False)
    replayed = models.PositiveIntegerField(_("replayed"), default=0)
    skipped = models.PositiveIntegerField(_("skipped"), default=0)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    stepped_at = models.DateTimeField(_("last step"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    error = models.CharField(_("error"), max_length=500, blank=True)

    objects = ReplayJobQuerySet.as_manager()

    class Meta:
        verbose_name = _("replay")
        verbose_name_plural = _("replays")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                name="replay_state_known", condition=models.Q(state__in=ReplayState.values)
            ),
            models.CheckConstraint(name="replay_mode_known", condition=models.Q(mode__in=ReplayMode.values)),
            models.CheckConstraint(name="replay_rate_positive", condition=models.Q(rate__gte=1)),
        )
        indexes = (
            models.Index(name="replay_state_newest", fields=("state", "-id")),
            models.Index(name="replay_by_actor", fields=("requested_by", "-id")),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in {ReplayState.WAITING, ReplayState.RUNNING}
