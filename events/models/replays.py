"""Replays: which events are handled again, how fast, and how far each has come."""

from typing import Any, ClassVar, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.access.actors import MAX_LENGTH as MAX_ACTOR
from core.access.models import ApiClient, User
from core.access.visibility import OwnedQuerySet
from core.database.counts import BoundedCount
from events.enums import ReplayMode, ReplayState

OPEN = (ReplayState.WAITING, ReplayState.RUNNING)


class ReplayJobQuerySet(OwnedQuerySet["ReplayJob"]):
    owned_by: ClassVar[str] = "operator"

    def open(self) -> Self:
        return self.filter(state__in=OPEN)


class ReplayJob(models.Model):
    """Events that are handled again: which ones, how fast, and how far it has come.

    Events are walked from the oldest to ``last``; those up to ``cursor`` are behind. A step moves the cursor in the
    transaction that adds its handler runs and deliveries, so that a crash repeats nothing.
    """

    requested_by = models.CharField(_("requested by"), max_length=MAX_ACTOR)
    # Without an index of its own: one below begins with it.
    operator = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("operator"),
        db_index=False,
    )
    """The operator who asked, where one did: that operator sees the replay."""
    client = models.ForeignKey(
        ApiClient,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("API client"),
    )
    """The API client that asked, where one did."""
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
    next_step_at = models.DateTimeField(default=timezone.now, editable=False)
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
            models.Index(name="replay_by_operator", fields=("operator", "-id")),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def expected_count(self) -> BoundedCount:
        """How many events matched when it was requested."""
        return BoundedCount(self.expected, self.is_expected_bounded)
