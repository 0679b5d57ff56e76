"""Batches: one message to many recipients, for an API client."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

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

    class Meta(Mailing.Meta):
        verbose_name = _("message batch")
        verbose_name_plural = _("message batches")
        constraints = (
            *Mailing.Meta.constraints,
            models.UniqueConstraint(name="batch_once_per_key", fields=("bot", "client", "key_hash")),
        )


class BatchRecipientQuerySet(RecipientQuerySet["BatchRecipient"]):
    """Recipients of batches."""


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

    class Meta(Recipient.Meta):
        verbose_name = _("recipient of a batch")
        verbose_name_plural = _("recipients of batches")
