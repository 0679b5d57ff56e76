"""The long connections of bots: those that should exist, those that were lost, and what the platform counts."""

from datetime import datetime
from typing import Final, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.connections.advice import explain_error
from bots.enums import LossReason, SlotState
from bots.models.bots import Bot
from core.access.visibility import OwnedQuerySet
from core.database.clock import DatabaseTime
from feishu.codes import CodeInfo

PROOF: Final = 2
"""Counts of the platform in a row that have to say the same before a difference means something."""
UNSTEADY: Final = 5.0
"""Seconds of standard deviation above which the intervals between heartbeats are worth a warning."""
HELD: Final = models.Q(lease_until__gt=DatabaseTime())
"""A living process holds the slot: it has renewed its lease since, by the database's clock."""
OPEN: Final = HELD & models.Q(state=SlotState.CONNECTED)
"""Its socket is open. The row alone does not say so: that of a process that died reads as connected until it is reaped."""
CONNECTED: Final = OPEN & (models.Q(heartbeat_due_at=None) | models.Q(heartbeat_due_at__gt=DatabaseTime()))
"""Its socket is open and heartbeats arrive: what "connected" means everywhere in the portal."""


class ConnectionSlotQuerySet(OwnedQuerySet["ConnectionSlot"]):
    def open(self) -> Self:
        """Connections whose socket is open: those that the platform may count."""
        return self.filter(OPEN)

    def connected(self) -> Self:
        """Connections on which events arrive."""
        return self.filter(CONNECTED)


class ConnectionSlot(models.Model):
    """One long connection that should exist, who holds it, and what is known of it.

    The holder is a process by its UUID, never by its name; ``epoch`` counts the holders there were. A lease that has
    run out may be claimed by any process. ``successor`` is a process that connects in order to take over from a living
    holder. The holder writes what is known of the connection; everybody else only reads, and may ask for another
    connection in its place with ``half_open_at``.
    """

    bot = models.ForeignKey(
        Bot,
        verbose_name=_("bot"),
        db_index=False,  # slot_once_per_bot begins with it
        on_delete=models.CASCADE,
        related_name="slots",
    )
    number = models.PositiveSmallIntegerField(_("connection"))
    state = models.CharField(_("state"), max_length=10, choices=SlotState.choices, default=SlotState.STOPPED)
    node = models.CharField(_("process"), max_length=100, blank=True)
    connected_at = models.DateTimeField(_("connected since"), null=True, blank=True)
    down_since = models.DateTimeField(_("down since"), null=True, blank=True)
    """Since when the connection should stand and does not, over all attempts in between."""
    last_frame_at = models.DateTimeField(_("last received"), null=True, blank=True)
    last_message_at = models.DateTimeField(_("last event"), null=True, blank=True)
    last_heartbeat_at = models.DateTimeField(_("last heartbeat"), null=True, blank=True)
    heartbeats = models.PositiveIntegerField(_("heartbeats"), default=0)
    """Of this connection, like everything about heartbeats but the last one's time."""
    heartbeat_intervals: models.JSONField[list[float]] = models.JSONField(
        _("heartbeat intervals"), default=list, blank=True
    )
    """The latest twenty, oldest first, in seconds."""
    heartbeat_average = models.FloatField(_("average interval"), null=True, blank=True)
    heartbeat_deviation = models.FloatField(_("standard deviation"), null=True, blank=True)
    heartbeat_due_at = models.DateTimeField(null=True, editable=False)
    """Without another heartbeat by then, an open connection counts as silent."""
    state_changed_at = models.DateTimeField(_("state since"), null=True, blank=True)
    reconnects = models.PositiveIntegerField(_("reconnects"), default=0)
    error_code = models.BigIntegerField(_("error code"), null=True, blank=True)
    error_reason = models.CharField(max_length=20, blank=True, editable=False)
    error_message = models.CharField(_("error"), max_length=500, blank=True)
    error_at = models.DateTimeField(_("error at"), null=True, blank=True)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    """While its process waits to connect again."""
    holder = models.UUIDField(null=True, editable=False)
    epoch = models.PositiveBigIntegerField(default=0, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    successor = models.UUIDField(null=True, editable=False)
    successor_until = models.DateTimeField(null=True, editable=False)
    half_open_at = models.DateTimeField(null=True, editable=False)
    """When the platform was found not to count the connection any more."""

    objects = ConnectionSlotQuerySet.as_manager()

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        ordering = ("bot__name", "number")
        constraints = (
            models.UniqueConstraint(name="slot_once_per_bot", fields=("bot", "number")),
            models.CheckConstraint(name="slot_state_known", condition=models.Q(state__in=SlotState.values)),
        )

    def __str__(self) -> str:
        return f"{self.bot} #{self.number}"

    @property
    def since(self) -> datetime | None:
        """Since when the connection has been open, or away, over all attempts in between."""
        return self.down_since or self.state_changed_at

    @property
    def problem(self) -> CodeInfo | None:
        """What is wrong, with cause and cure; None if nothing is."""
        return explain_error(self.error_code, self.error_reason)

    @property
    def error_text(self) -> str:
        """Why the last attempt failed in one English sentence, for callers of the API; empty if it did not."""
        problem = self.problem
        return self.error_message or (problem.cause.en_us if problem else "")

    @property
    def is_unsteady(self) -> bool:
        """The heartbeats come at uneven intervals, which often comes before a loss."""
        return self.heartbeat_deviation is not None and self.heartbeat_deviation > UNSTEADY

    @property
    def is_overdue(self) -> bool:
        """The socket is open, and no heartbeat has come for longer than is normal."""
        due_at = self.heartbeat_due_at
        return self.state == SlotState.CONNECTED and due_at is not None and due_at < timezone.now()


class ConnectionLossQuerySet(OwnedQuerySet["ConnectionLoss"]):
    def since(self, moment: datetime) -> Self:
        return self.filter(at__gte=moment)


class ConnectionLoss(models.Model):
    """A connection that ended, or the first failure to make one again, as its holder saw it."""

    bot = models.ForeignKey(
        Bot,
        verbose_name=_("bot"),
        db_index=False,  # loss_by_bot begins with it
        on_delete=models.CASCADE,
        related_name="losses",
    )
    number = models.PositiveSmallIntegerField(_("connection"))
    node = models.CharField(_("process"), max_length=100, blank=True)
    at = models.DateTimeField(_("time"))
    reason = models.CharField(_("cause"), max_length=12, choices=LossReason.choices)
    code = models.BigIntegerField(_("code"), null=True, blank=True)
    """The platform's error code, or the close code of the WebSocket."""
    message = models.CharField(_("message"), max_length=500, blank=True)
    lasted = models.FloatField(_("lasted"), null=True, blank=True)
    """Seconds for which the connection was open; None for an attempt that led to none."""

    objects = ConnectionLossQuerySet.as_manager()

    class Meta:
        verbose_name = _("lost connection")
        verbose_name_plural = _("lost connections")
        ordering = ("-at", "-id")
        constraints = (
            models.CheckConstraint(
                name="loss_reason_known", condition=models.Q(reason__in=LossReason.values)
            ),
        )
        indexes = (
            models.Index(name="loss_by_bot", fields=("bot", "at")),
            models.Index(name="loss_by_age", fields=("at",)),
        )

    def __str__(self) -> str:
        return self.get_reason_display()


class PlatformCountQuerySet(OwnedQuerySet["PlatformCount"]):
    def foreign(self) -> Self:
        """Counts that show connections of other programs."""
        return self.filter(more_counts__gte=PROOF)


class PlatformCount(models.Model):
    """How many connections of a bot the platform counts, against those that are open here by their leases.

    A difference means something only when two counts in a row show it: connections come and go.
    """

    bot = models.OneToOneField(
        Bot, primary_key=True, on_delete=models.CASCADE, related_name="platform_count", verbose_name=_("bot")
    )
    next_check_at = models.DateTimeField(db_index=True)
    checked_at = models.DateTimeField(_("checked"), null=True)
    online = models.PositiveIntegerField(_("at the platform"), null=True)
    held = models.PositiveIntegerField(_("here"), null=True)
    more_counts = models.PositiveIntegerField(default=0)
    """Counts in a row that showed more than are open here."""
    fewer_counts = models.PositiveIntegerField(default=0)
    renewals = models.PositiveIntegerField(default=0)
    """How often connections were replaced because of the count, since it was right the last time."""
    error_code = models.BigIntegerField(_("error code"), null=True)
    error_reason = models.CharField(max_length=20, blank=True)
    error_message = models.CharField(_("error"), max_length=500, blank=True)

    objects = PlatformCountQuerySet.as_manager()

    class Meta:
        default_permissions = ()  # shown with its bot
        verbose_name = _("count of the platform")
        verbose_name_plural = _("counts of the platform")

    def __str__(self) -> str:
        return f"{self.bot_id}: {self.online}/{self.held}"

    @property
    def foreign(self) -> int:
        """Connections of this app that other programs hold: they take events away."""
        return (self.online or 0) - (self.held or 0) if self.more_counts >= PROOF else 0
