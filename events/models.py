"""Events as they came, and the deliveries of each to its handlers."""

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from events.enums import Arrived, DeliveryStatus, EventStatus

if TYPE_CHECKING:
    from feishu_portal.access.models import User


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, user: "User") -> Self:
        return self if user.is_superuser else self.filter(bot__owners=user)


class Event(models.Model):
    """One event or callback. The payload is kept byte for byte; everything else is read from it."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="events", verbose_name=_("bot"))
    dedupe_key = models.CharField(max_length=200, editable=False)
    event_id = models.CharField(_("event ID"), max_length=128, blank=True, db_index=True)
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
            models.Index(name="event_type_newest", fields=("event_type", "-id")),
            models.Index(name="event_bot_newest", fields=("bot", "-id")),
            # What an operator looks for is rare among millions.
            models.Index(
                name="event_problem",
                fields=("-id",),
                condition=models.Q(status__in=(EventStatus.DEAD, EventStatus.QUARANTINED)),
            ),
            models.Index(
                name="event_undispatched", fields=("id",), condition=models.Q(status=EventStatus.RECEIVED)
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_type or '?'} {self.event_id}".strip()

    @cached_property
    def envelope(self) -> dict[str, Any]:
        """The whole payload as JSON; raises ValueError when it is quarantined."""
        envelope: dict[str, Any] = json.loads(bytes(self.payload))
        return envelope

    @property
    def data(self) -> dict[str, Any]:
        """The ``event`` object of the payload, in both envelope versions."""
        data: dict[str, Any] = self.envelope.get("event") or {}
        return data

    @cached_property
    def typed(self) -> Any:
        """The official SDK's model of this event; loads the SDK, which takes seconds the first time."""
        from feishu.sdk import typed_event  # noqa: PLC0415 -- slow import

        return typed_event(self.event_type, self.envelope)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self) -> Self:
        """Deliveries that can be claimed now: waiting ones, and running ones whose runner is gone."""
        now = timezone.now()
        return self.filter(
            models.Q(status__in=(DeliveryStatus.PENDING, DeliveryStatus.RETRYING), run_at__lte=now)
            | models.Q(status=DeliveryStatus.RUNNING, lease_until__lt=now)
        )


class Delivery(models.Model):
    """One event for one handler. ``claim_id`` fences: only the runner that holds it may finish the delivery."""

    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("event")
    )
    handler = models.CharField(_("handler"), max_length=200)
    status = models.CharField(
        _("status"), max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING
    )
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    run_at = models.DateTimeField(_("next try"), default=timezone.now)
    claim_id = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(name="delivery_once_per_handler", fields=("event", "handler")),
            models.CheckConstraint(
                name="delivery_status_known", condition=models.Q(status__in=DeliveryStatus.values)
            ),
        )
        indexes = (
            models.Index(
                name="delivery_open",
                fields=("run_at",),
                condition=models.Q(status__in=("pending", "running", "retrying")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.handler} ({self.status})"
