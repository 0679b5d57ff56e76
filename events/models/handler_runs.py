"""Handler runs: one event for one handler, and the attempts of each."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from events.enums import ACTIVE_RUNS, AttemptOutcome, RunFailure, RunStatus
from events.models.claims import WAITING, Attempt, Claimable, ClaimableQuerySet


class HandlerRunQuerySet(ClaimableQuerySet["HandlerRun"]):
    pass


class HandlerRun(Claimable):
    """One event for one handler, which is known by its durable name.

    Runs of one bot and handler with the same ``order_key`` follow each other: one of them is active, the others queue.
    """

    handler = models.CharField(_("handler"), max_length=200)
    order_key = models.CharField(max_length=128, blank=True, editable=False)
    status = models.CharField(
        _("status"), max_length=10, choices=RunStatus.choices, default=RunStatus.PENDING
    )
    failure = models.CharField(_("cause"), max_length=13, choices=RunFailure.choices, blank=True)
    # When a worker first put it off because it does not know the handler; see events.handling.unknown.
    unknown_since = models.DateTimeField(null=True, editable=False)

    objects = HandlerRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("handler run")
        verbose_name_plural = _("handler runs")
        ordering = ("id",)
        default_related_name = "handler_runs"
        default_permissions = ()  # shown with its event
        constraints = (
            models.UniqueConstraint(name="run_once_per_round", fields=("event", "handler", "round")),
            models.UniqueConstraint(
                name="run_one_at_a_time",
                fields=("bot", "handler", "order_key"),
                condition=models.Q(status__in=ACTIVE_RUNS) & ~models.Q(order_key=""),
            ),
            models.CheckConstraint(name="run_status_known", condition=models.Q(status__in=RunStatus.values)),
        )
        indexes = (
            models.Index(name="run_due", fields=("bot", "run_at"), condition=models.Q(status__in=WAITING)),
            models.Index(
                name="run_unknown",
                fields=("unknown_since",),
                condition=models.Q(status__in=WAITING, unknown_since__isnull=False),
            ),
            models.Index(
                name="run_running", fields=("lease_until",), condition=models.Q(status=RunStatus.RUNNING)
            ),
            models.Index(
                name="run_queued",
                fields=("bot", "handler", "order_key", "id"),
                condition=models.Q(status=RunStatus.QUEUED),
            ),
            # The dead in the order of their events, as the log lists them.
            models.Index(
                name="run_dead_alike",
                fields=("handler", "fingerprint", "-event"),
                condition=models.Q(status=RunStatus.DEAD, is_current=True),
            ),
            models.Index(
                name="run_dead_of_handler",
                fields=("handler", "-event"),
                condition=models.Q(status=RunStatus.DEAD, is_current=True),
            ),
            models.Index(
                name="run_dead_newest",
                fields=("-id",),
                include=("handler", "fingerprint", "bot"),
                condition=models.Q(status=RunStatus.DEAD, is_current=True),
            ),
            models.Index(name="run_replay", fields=("replay",), condition=models.Q(replay__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.handler} ({self.status})"

    @property
    def status_in_words(self) -> str:
        """Of one that was skipped because its message was not for the bot: that."""
        is_unaddressed = self.failure == RunFailure.NOT_ADDRESSED
        return str((RunFailure.NOT_ADDRESSED if is_unaddressed else RunStatus(self.status)).label)


class HandlerAttempt(Attempt):
    """One attempt of a handler run."""

    run = models.ForeignKey(
        HandlerRun,
        on_delete=models.CASCADE,
        related_name="attempt_log",
        verbose_name=_("handler run"),
        db_index=False,
    )

    class Meta(Attempt.Meta):
        constraints = (
            models.UniqueConstraint(name="handler_attempt_once", fields=("run", "number")),
            models.CheckConstraint(
                name="handler_attempt_outcome_known", condition=models.Q(outcome__in=AttemptOutcome.values)
            ),
        )

    def __str__(self) -> str:
        return f"{self.run_id}/{self.number}"
