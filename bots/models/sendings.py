"""Messages that API clients asked to have sent: who, to whom, by which bot, and how it ended; never what they said."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.enums import SendingKind, SendingState
from bots.models.bots import Bot
from core.access.models import ApiClient
from core.access.visibility import OwnedQuerySet


class SendingQuerySet(OwnedQuerySet["Sending"]):
    """Sent messages of bots."""


class Sending(models.Model):
    """One request to send something, committed before it is sent.

    ``key_hash``, which belongs to the client, and ``fingerprint`` know a repetition of the request. ``attempts`` fences: an
    attempt ends only what it began. ``doubtful_since``: when the first attempt began of which nobody knows whether it
    sent anything.
    """

    at = models.DateTimeField(_("time"), default=timezone.now)
    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="sendings", verbose_name=_("bot"), db_index=False
    )
    actor = models.CharField(_("sent by"), max_length=200)
    """As it was called when it sent the message; the key below stays true when it is renamed."""
    client = models.ForeignKey(
        ApiClient, on_delete=models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=7, choices=SendingKind.choices)
    receive_id_type = models.CharField(_("kind of address"), max_length=8, blank=True)
    target = models.CharField(_("to"), max_length=128)
    msg_type = models.CharField(_("message type"), max_length=20)
    state = models.CharField(
        _("state"), max_length=8, choices=SendingState.choices, default=SendingState.SENDING
    )
    key_hash = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 -- unique when set
    fingerprint = models.CharField(max_length=64, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=1)
    attempted_at = models.DateTimeField(_("last attempt"), default=timezone.now)
    doubtful_since = models.DateTimeField(null=True, editable=False)
    message_id = models.CharField(_("message ID"), max_length=128, blank=True)
    chat_id = models.CharField(_("chat ID"), max_length=128, blank=True)
    code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    reason = models.CharField(max_length=20, blank=True, editable=False)
    said = models.CharField(_("error"), max_length=300, blank=True)
    """The platform's own words, or what answered in its place."""
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)

    objects = SendingQuerySet.as_manager()

    class Meta:
        verbose_name = _("sent message")
        verbose_name_plural = _("sent messages")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(name="sending_once_per_key", fields=("bot", "client", "key_hash")),
            models.CheckConstraint(
                name="sending_state_known", condition=models.Q(state__in=SendingState.values)
            ),
            models.CheckConstraint(
                name="sending_kind_known", condition=models.Q(kind__in=SendingKind.values)
            ),
        )
        indexes = (
            models.Index(name="sending_by_age", fields=("at",)),
            models.Index(name="sending_by_bot", fields=("bot", "id")),
            models.Index(name="sending_by_client", fields=("client", "id")),
            models.Index(name="sending_by_target", fields=("target", "id")),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.target}"
