"""Groups of alerts, as Alertmanager sends them, and the card that shows each."""

from collections.abc import Mapping
from typing import Any, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from bots.models.synced_cards import SyncedCard
from core.access.actors import MAX_LENGTH as MAX_ACTOR
from core.access.visibility import OwnedQuerySet
from feishu_portal.alerts.enums import GroupState
from feishu_portal.alerts.models.receivers import AlertReceiver

_CARD_IS_OLD = models.Q(card_shows__lt=models.F("version")) & ~models.Q(
    state=GroupState.REPLACED, message_id=""
)


class AlertGroupQuerySet(OwnedQuerySet["AlertGroup"]):
    def card_out_of_date(self) -> Self:
        """Groups whose card is unsent or shows an earlier version, and whose bot may send."""
        return self.filter(_CARD_IS_OLD, bot__enabled=True, bot__deleted_at=None)


class AlertGroup(SyncedCard):
    """The alerts of one group of Alertmanager's, from when they fire to when all are resolved; one card.

    ``content``: what the card says, bounded, as ``alerts.notifications`` reads it. ``version`` counts the changes that a
    card can show, ``card_shows`` the one that it shows; ``messages`` the messages that were sent for it.
    """

    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="+", verbose_name=_("bot"), db_index=False
    )
    receiver = models.ForeignKey(
        AlertReceiver,
        on_delete=models.CASCADE,
        related_name="groups",
        verbose_name=_("alert receiver"),
        db_index=False,
    )
    key_hash = models.CharField(max_length=64, editable=False)
    """SHA-256 of Alertmanager's groupKey, which is as long as its route and labels are."""
    title = models.CharField(_("alert"), max_length=200)
    state = models.CharField(_("state"), max_length=8, choices=GroupState.choices, default=GroupState.FIRING)
    content: models.JSONField[Mapping[str, Any]] = models.JSONField(_("alerts"), default=dict)
    firing = models.PositiveIntegerField(_("firing alerts"), default=0)
    opened_at = models.DateTimeField(_("began"), default=timezone.now)
    heard_at = models.DateTimeField(_("last reported"), default=timezone.now)
    closed_at = models.DateTimeField(_("over"), null=True, blank=True)

    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    acknowledged_by = models.CharField(_("acknowledged by"), max_length=MAX_ACTOR, blank=True)
    silenced_until = models.DateTimeField(_("silenced until"), null=True, blank=True)
    silenced_by = models.CharField(_("silenced by"), max_length=MAX_ACTOR, blank=True)
    silence_id = models.CharField(_("silence"), max_length=64, blank=True)

    messages = models.PositiveSmallIntegerField(default=0, editable=False)

    objects = AlertGroupQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert group")
        verbose_name_plural = _("alert groups")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                name="alert_group_state_known", condition=models.Q(state__in=GroupState.values)
            ),
            models.CheckConstraint(
                name="alert_group_firing_is_open",
                condition=models.Q(state=GroupState.FIRING, closed_at=None)
                | (~models.Q(state=GroupState.FIRING) & models.Q(closed_at__isnull=False)),
            ),
            models.UniqueConstraint(
                name="alert_group_firing_once",
                fields=("receiver", "key_hash"),
                condition=models.Q(closed_at=None),
            ),
        )
        indexes = (
            models.Index(name="alert_group_of_bot", fields=("bot", "-id")),
            models.Index(name="alert_group_of_receiver", fields=("receiver", "-id")),
            models.Index(name="alert_group_by_age", fields=("heard_at",)),
            models.Index(name="alert_group_card_old", fields=("card_retry_at",), condition=_CARD_IS_OLD),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def is_firing(self) -> bool:
        return self.state == GroupState.FIRING
