"""Events as they came, and the deliveries of each to its handlers."""

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from core.database.clock import DatabaseTime
from events.enums import (
    ACTIVE,
    Arrived,
    AttemptOutcome,
    DeliveryStatus,
    EventStatus,
    Failure,
    ReplayMode,
    ReplayState,
)
from events.models.subscriptions import Subscription
from feishu.envelope import OLD_CARD_CALLBACK

if TYPE_CHECKING:
    from core.access.models import User


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, user: "User") -> Self:
        return self if user.is_superuser else self.filter(bot__owners=user)


class Event(models.Model):
    """One event or callback. The payload is kept byte for byte; everything else is read from it."""

    # Without an index of its own: three of those below begin with the bot.
    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="events", verbose_name=_("bot"), db_index=False
    )
    dedupe_key = models.CharField(max_length=200, editable=False)
    event_id = models.CharField(_("event ID"), max_length=128, blank=True)
    event_type = models.CharField(_("type"), max_length=128, blank=True)
    arrived_by = models.CharField(_("arrived by"), max_length=10, choices=Arrived.choices)
    status = models.CharField(
        _("status"), max_length=12, choices=EventStatus.choices, default=EventStatus.RECEIVED
    )
    payload = models.BinaryField(_("payload"))
    tenant_key = models.CharField(_("tenant"), max_length=64, blank=True)
    trace_id = models.CharField(_("platform log ID"), max_length=128, blank=True)
    created_at = models.DateTimeField(_("created"), help_text=_("As the platform says."))
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    duplicates = models.PositiveIntegerField(_("duplicates"), default=0)
    error = models.CharField(_("error"), max_length=500, blank=True)
    rescued = models.BooleanField(
        _("answered late"),
        db_default=False,
        help_text=_(
            "A click whose handler was not done in time: the person was told that it is being worked on."
        ),
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(name="event_once_per_bot", fields=("bot", "dedupe_key")),
            models.CheckConstraint(
                name="event_status_known", condition=models.Q(status__in=EventStatus.values)
            ),
        )
        indexes = (
            # Everything the log filters by, newest first, so that no list reads past what it shows.
            models.Index(name="event_type_newest", fields=("event_type", "-id")),
            models.Index(name="event_bot_newest", fields=("bot", "-id")),
            models.Index(name="event_bot_type_newest", fields=("bot", "event_type", "-id")),
            models.Index(name="event_status_newest", fields=("status", "-id")),
            models.Index(name="event_received", fields=("received_at",)),
            models.Index(name="event_by_event_id", fields=("event_id",)),
            models.Index(name="event_by_trace", fields=("trace_id",), condition=~models.Q(trace_id="")),
            # What the portal looks for is rare among millions.
            models.Index(
                name="event_undispatched",
                fields=("bot", "id"),
                condition=models.Q(status=EventStatus.RECEIVED),
            ),
            models.Index(name="event_rescued", fields=("bot", "-id"), condition=models.Q(rescued=True)),
        )

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}".strip() or f"#{self.pk}"

    @cached_property
    def envelope(self) -> dict[str, Any]:
        """The whole payload as JSON; raises ValueError when it is quarantined."""
        envelope: dict[str, Any] = json.loads(bytes(self.payload))
        return envelope

    @property
    def data(self) -> dict[str, Any]:
        """The ``event`` object of the payload, in both envelope versions; the old card callback in the shape of today's."""
        if self.event_type == OLD_CARD_CALLBACK:
            return _click_of_today(self.envelope)
        data = self.envelope.get("event")
        return data if isinstance(data, dict) else {}

    @cached_property
    def typed(self) -> Any:
        """The official SDK's model of this event; loads the SDK, which takes seconds the first time."""
        from feishu.sdk import typed_event  # noqa: PLC0415 -- slow import

        return typed_event(self.event_type, self.envelope)


def _click_of_today(old: dict[str, Any]) -> dict[str, Any]:
    """The old card callback is flat (page "Card callback structure", historic)."""
    return {
        "operator": {name: old.get(name) for name in ("open_id", "user_id", "tenant_key")},
        "token": old.get("token"),
        "action": old.get("action"),
        "context": {name: old.get(name) for name in ("open_message_id", "open_chat_id")},
    }


class ReplayJobQuerySet(models.QuerySet["ReplayJob"]):
    def open(self) -> Self:
        return self.filter(state__in=(ReplayState.WAITING, ReplayState.RUNNING))

    def visible_to(self, user: "User") -> Self:
        """A superuser sees every replay, an operator the own ones."""
        return self if user.is_superuser else self.filter(requested_by=f"operator:{user.get_username()}")


class ReplayJob(models.Model):
    """Events that are handled again: which ones, how fast, and how far it has come.

    Events are walked from the oldest to ``last``; those up to ``cursor`` are behind. A step moves the cursor in the
    transaction that makes its deliveries, so that a crash repeats nothing.
    """

    requested_by = models.CharField(_("asked for by"), max_length=200)
    criteria: models.JSONField[dict[str, Any]] = models.JSONField(_("filter"), default=dict)
    mode = models.CharField(
        _("handlers"), max_length=6, choices=ReplayMode.choices, default=ReplayMode.FAILED
    )
    handlers: models.JSONField[list[str]] = models.JSONField(default=list)
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


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def visible_to(self, user: "User") -> Self:
        return self if user.is_superuser else self.filter(bot__owners=user)

    def due(self) -> Self:
        """Deliveries whose time has come."""
        return self.filter(
            status__in=(DeliveryStatus.PENDING, DeliveryStatus.RETRYING), run_at__lte=timezone.now()
        )

    def to_handlers(self) -> Self:
        """Deliveries that run here."""
        return self.filter(subscription=None)

    def to_subscriptions(self) -> Self:
        """Deliveries that leave the portal."""
        return self.exclude(subscription=None)

    def waiting(self) -> Self:
        """Deliveries that nobody is at."""
        return self.filter(status__in=(DeliveryStatus.PENDING, DeliveryStatus.RETRYING))

    def abandoned(self) -> Self:
        """Deliveries whose runner is gone: it would have renewed its lease."""
        return self.filter(status=DeliveryStatus.RUNNING, lease_until__lt=DatabaseTime())


class Delivery(models.Model):
    """One event for one handler, or for one subscription, whose ``handler`` then stands in the place of a handler's name.
    ``claim_id`` fences: only the runner that holds it may finish the delivery.

    A replay adds a delivery and leaves the old one as it ended: ``is_current`` marks the one that speaks for its
    handler, ``round`` counts them, ``replay`` says who asked for it.

    Deliveries of one bot and handler with the same ``order_key`` run one after the other: one of them is active, the
    others are queued.
    """

    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("event")
    )
    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("bot"), db_index=False
    )
    order_key = models.CharField(max_length=128, blank=True, editable=False)
    handler = models.CharField(_("handler"), max_length=200)
    # Without an index of its own: two of those below begin with it.
    subscription = models.ForeignKey(
        Subscription,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="deliveries",
        verbose_name=_("subscription"),
        db_index=False,
    )
    round = models.PositiveSmallIntegerField(_("round"), default=0)
    is_current = models.BooleanField(default=True, editable=False)
    replay = models.ForeignKey(
        ReplayJob,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="deliveries",
        verbose_name=_("replay"),
        db_index=False,
    )
    status = models.CharField(
        _("status"), max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING
    )
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    run_at = models.DateTimeField(_("next try"), default=timezone.now)
    claim_id = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    failure = models.CharField(_("cause"), max_length=13, choices=Failure.choices, blank=True)
    error = models.TextField(_("error"), blank=True)
    # Equal for failures of the same kind; see domain.fingerprints.
    error_print = models.CharField(max_length=16, blank=True, editable=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(name="delivery_once_per_round", fields=("event", "handler", "round")),
            models.UniqueConstraint(
                name="delivery_one_current", fields=("event", "handler"), condition=models.Q(is_current=True)
            ),
            models.UniqueConstraint(
                name="delivery_one_at_a_time",
                fields=("bot", "handler", "order_key"),
                condition=models.Q(status__in=ACTIVE) & ~models.Q(order_key=""),
            ),
            models.CheckConstraint(
                name="delivery_status_known", condition=models.Q(status__in=DeliveryStatus.values)
            ),
        )
        indexes = (
            models.Index(
                name="delivery_open",
                fields=("bot", "run_at"),
                condition=models.Q(
                    status__in=(DeliveryStatus.PENDING, DeliveryStatus.RETRYING), subscription=None
                ),
            ),
            models.Index(
                name="delivery_outgoing_due",
                fields=("subscription", "run_at"),
                condition=models.Q(
                    status__in=(DeliveryStatus.PENDING, DeliveryStatus.RETRYING), subscription__isnull=False
                ),
            ),
            models.Index(
                name="delivery_outgoing_waiting",
                fields=("subscription", "id"),
                condition=models.Q(
                    status__in=(DeliveryStatus.PENDING, DeliveryStatus.RETRYING), subscription__isnull=False
                ),
            ),
            models.Index(
                name="delivery_outgoing_newest",
                fields=("subscription", "-id"),
                condition=models.Q(subscription__isnull=False),
            ),
            models.Index(
                name="delivery_running",
                fields=("lease_until",),
                condition=models.Q(status=DeliveryStatus.RUNNING),
            ),
            models.Index(
                name="delivery_queued",
                fields=("bot", "handler", "order_key", "id"),
                condition=models.Q(status=DeliveryStatus.QUEUED),
            ),
            models.Index(name="delivery_status_newest", fields=("status", "-id")),
            # The dead in the order of their events, as the log lists them.
            models.Index(
                name="delivery_dead_alike",
                fields=("handler", "error_print", "-event"),
                condition=models.Q(status=DeliveryStatus.DEAD, is_current=True),
            ),
            models.Index(
                name="delivery_dead_of_handler",
                fields=("handler", "-event"),
                condition=models.Q(status=DeliveryStatus.DEAD, is_current=True),
            ),
            models.Index(
                name="delivery_dead_newest",
                fields=("-id",),
                include=("handler", "error_print", "bot"),
                condition=models.Q(status=DeliveryStatus.DEAD, is_current=True),
            ),
            models.Index(
                name="delivery_replay", fields=("replay",), condition=models.Q(replay__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.receiver} ({self.status})"

    @property
    def receiver(self) -> str:
        """The handler's name, or the subscription's."""
        return self.subscription.name if self.subscription else self.handler


class DeliveryAttempt(models.Model):
    """One try of a delivery, written with its end. A number without a row is a try whose worker never came back."""

    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="tries", verbose_name=_("delivery"), db_index=False
    )
    number = models.PositiveSmallIntegerField(_("try"))
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"))
    outcome = models.CharField(_("outcome"), max_length=9, choices=AttemptOutcome.choices)
    status_code = models.PositiveSmallIntegerField(_("status code"), null=True, blank=True)
    answer = models.CharField(_("answer"), max_length=1000, blank=True)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("try")
        verbose_name_plural = _("tries")
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(name="attempt_once", fields=("delivery", "number")),
            models.CheckConstraint(
                name="attempt_outcome_known", condition=models.Q(outcome__in=AttemptOutcome.values)
            ),
        )
        default_permissions = ()  # shown beneath its delivery

    def __str__(self) -> str:
        return f"{self.delivery_id}/{self.number}"
