"""Messages that API clients asked to have sent: who, to whom, by which bot, and how it ended; never what they said."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.enums import SendingKind, SendingState
from bots.models.bots import Bot, HistoryQuerySet


class SendingQuerySet(HistoryQuerySet["Sending"]):
    """Sent messages of bots."""


class Sending(models.Model):
    """One request to send something, committed before it is sent.

    ``key_hash`` and ``fingerprint`` know a repetition of the request. ``tries`` fences: a try ends only what it began.
    ``doubtful_since``: when the first try began of which nobody knows whether it sent anything.
    """

    at = models.DateTimeField(_("time"), default=timezone.now)
    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="sendings", verbose_name=_("bot"), db_index=False
    )
    actor = models.CharField(_("sent by"), max_length=200)
    kind = models.CharField(_("kind"), max_length=7, choices=SendingKind.choices)
    receive_id_type = models.CharField(_("kind of address"), max_length=8, blank=True)
    target = models.CharField(_("to"), max_length=128)
    msg_type = models.CharField(_("message type"), max_length=20)
    state = models.CharField(
        _("state"), max_length=8, choices=SendingState.choices, default=SendingState.SENDING
    )
    key_hash = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 -- unique when set
    fingerprint = models.CharField(max_length=64, editable=False)
    tries = models.PositiveIntegerField(_("tries"), default=1)
    tried_at = models.DateTimeField(_("last tried"), default=timezone.now)
    doubtful_since = models.DateTimeField(null=True, editable=False)
    message_id = models.CharField(_("message ID"), max_length=128, blank=True)
    chat_id = models.CharField(_("chat ID"), max_length=128, blank=True)
    code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    reason = models.CharField(max_length=20, blank=True, editable=False)
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)

    objects = SendingQuerySet.as_manager()

    class Meta:
        verbose_name = _("sent message")
        verbose_name_plural = _("sent messages")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(name="sending_once_per_key", fields=("bot", "actor", "key_hash")),
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
            models.Index(name="sending_by_actor", fields=("actor", "id")),
            models.Index(name="sending_by_target", fields=("target", "id")),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.target}"
