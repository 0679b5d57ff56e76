"""Events as they came."""

import json
from functools import cached_property
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from core.access.visibility import OwnedQuerySet
from events.enums import Arrived, EventStatus
from feishu.callbacks import CLICK, OLD_CARD_CALLBACK
from feishu.card_buttons import action_of, read_value
from feishu.event_summary import EventSummary, summarize


class EventQuerySet(OwnedQuerySet["Event"]):
    pass


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
    created_at = models.DateTimeField(
        _("created"), help_text=_("As the platform says, by the portal's clock.")
    )
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    duplicates = models.PositiveIntegerField(_("duplicates"), default=0, db_default=0)
    error = models.CharField(_("error"), max_length=500, blank=True)
    answered_late = models.BooleanField(
        _("answered late"),
        db_default=False,
        help_text=_(
            "A click whose handler was not done in time: the person was told that it is being worked on."
        ),
    )

    expanded: Any = None
    """For a handler with ``expand``: the messages that this one refers to, see ``events.expansion.Expansion``."""

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
            # Everything the log filters by, newest first, so that no list reads past what it shows. With the status, so that
            # those of a rare one are found without a look at the others' rows.
            models.Index(name="event_type_newest", fields=("event_type", "-id"), include=("status",)),
            models.Index(name="event_bot_newest", fields=("bot", "-id"), include=("status",)),
            models.Index(
                name="event_bot_type_newest", fields=("bot", "event_type", "-id"), include=("status",)
            ),
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
            models.Index(
                name="event_answered_late", fields=("bot", "-id"), condition=models.Q(answered_late=True)
            ),
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
        """The ``event`` object of the payload, in both envelope versions; the old card callback in the shape of today's, and
        the value of a click that came as JSON text as its object."""
        if self.event_type == OLD_CARD_CALLBACK:
            return _with_value_read(_click_of_today(self.envelope))
        data = self.envelope.get("event")
        if not isinstance(data, dict):
            return {}
        return _with_value_read(data) if self.event_type == CLICK else data

    @cached_property
    def summary(self) -> EventSummary:
        """In short. Lists, whose rows come without payloads, read those of a page at once: ``events.log.summaries``."""
        return summarize(bytes(self.payload))

    @cached_property
    def typed(self) -> Any:
        """The official SDK's model of this event; loads the SDK, which takes seconds the first time."""
        from feishu.sdk import typed_event  # noqa: PLC0415 -- slow import

        if self.event_type != CLICK:
            return typed_event(self.event_type, self.envelope)
        data = self.data
        action = data.get("action")
        if isinstance(action, dict) and not isinstance(action.get("value"), dict | None):
            # The SDK knows objects only: a plain word is what the click asks for.
            data = data | {"action": action | {"value": {"action": action_of(action)}}}
        return typed_event(self.event_type, self.envelope | {"event": data})


def _with_value_read(click: dict[str, Any]) -> dict[str, Any]:
    action = click.get("action")
    if not isinstance(action, dict) or not isinstance(action.get("value"), str):
        return click
    return click | {"action": action | {"value": read_value(action["value"])}}


def _click_of_today(old: dict[str, Any]) -> dict[str, Any]:
    """The old card callback is flat (page "Card callback structure", historic)."""
    return {
        "operator": {name: old.get(name) for name in ("open_id", "user_id", "tenant_key")},
        "token": old.get("token"),
        "action": old.get("action"),
        "context": {name: old.get(name) for name in ("open_message_id", "open_chat_id")},
    }
