"""Where alerts go: a chat, and the bot that writes there."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from core.access.visibility import OwnedQuerySet


class AlertReceiverQuerySet(OwnedQuerySet["AlertReceiver"]):
    """Alert receivers of bots."""


class AlertReceiver(models.Model):
    """A webhook for Alertmanager (``POST /api/v1/alertmanager/<id>``) whose alerts a bot shows in one chat."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100)
    bot = models.ForeignKey(
        Bot,
        on_delete=models.CASCADE,
        related_name="alert_receivers",
        verbose_name=_("bot"),
        help_text=_("It sends the cards, and has to be a member of the group chat."),
    )
    chat_id = models.CharField(
        _("chat ID"),
        max_length=128,
        help_text=_("The group that gets the cards. Everybody in it may acknowledge and silence alerts."),
    )
    alertmanager_url = models.CharField(
        _("address of Alertmanager"),
        max_length=500,
        blank=True,
        help_text=_(
            "For silences, e.g. http://alertmanager.example.com:9093. Without it, cards have no buttons to silence. A host of "
            "the company's own network has to be in FEISHU_DELIVERY_NETWORKS."
        ),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = AlertReceiverQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert receiver")
        verbose_name_plural = _("alert receivers")
        ordering = ("name", "created_at")

    def __str__(self) -> str:
        return self.name
