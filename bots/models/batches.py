"""Batches: one message to many recipients, for an API client."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from bots.enums import MOVING_MAILINGS, MailingState, RecipientKind, RecipientState
from bots.models.mailings import Mailing, MailingQuerySet, Recipient, RecipientQuerySet


class MessageBatchQuerySet(MailingQuerySet["MessageBatch"]):
    """Batches of bots."""


class MessageBatch(Mailing):
    """The content is kept as long as the batch: recipients may be tried again. ``key_hash`` and ``fingerprint`` know a
    repetition of the request, as those of ``Sending`` do."""

    msg_type = models.CharField(_("message type"), max_length=20)
    content: models.JSONField[dict[str, Any]] = models.JSONField(editable=False)
    key_hash = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 -- unique when set
    fingerprint = models.CharField(max_length=64, editable=False)

    objects = MessageBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("message batch")
        verbose_name_plural = _("message batches")
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(name="batch_once_per_key", fields=("bot", "client", "key_hash")),
            models.CheckConstraint(
                name="batch_state_known", condition=models.Q(state__in=MailingState.values)
            ),
        )
        indexes = (
            models.Index(name="batch_newest", fields=("-created_at", "-id")),
            models.Index(name="batch_of_bot", fields=("bot", "-created_at", "-id")),
            models.Index(
                name="batch_moving", fields=("created_at",), condition=models.Q(state__in=MOVING_MAILINGS)
            ),
        )


class BatchRecipientQuerySet(RecipientQuerySet["BatchRecipient"]):
    owned_by: ClassVar[str] = "mailing__bot__owners"

    def addressees(self) -> "BatchRecipientQuerySet":
        """Without the departments that were named, whose people stand for themselves."""
        return self.exclude(state=RecipientState.EXPANDED)


class BatchRecipient(Recipient):
    """One recipient of a batch, a person or a chat, and the message it got."""

    mailing = models.ForeignKey(
        MessageBatch,
        on_delete=models.CASCADE,
        related_name="recipients",
        verbose_name=_("message batch"),
        db_index=False,
    )
    message_id = models.CharField(_("message ID"), max_length=128, blank=True)
    chat_id = models.CharField(_("chat ID"), max_length=128, blank=True)

    objects = BatchRecipientQuerySet.as_manager()

    class Meta:
        verbose_name = _("recipient of a batch")
        verbose_name_plural = _("recipients of batches")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                name="batch_recipient_once", fields=("mailing", "target"), condition=~models.Q(target="")
            ),
            models.CheckConstraint(
                name="batch_recipient_state_known", condition=models.Q(state__in=RecipientState.values)
            ),
            models.CheckConstraint(
                name="batch_recipient_kind_known", condition=models.Q(kind__in=RecipientKind.values)
            ),
        )
        indexes = (
            models.Index(name="batch_recipient_state", fields=("mailing", "state", "id")),
            models.Index(name="batch_recipient_person", fields=("bot", "target")),
        )
