"""Batches of messages, sent for API clients: how far each has come, and what became of each recipient."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.admin.mailings import MISSED, MailingAdmin, RecipientAdmin
from bots.enums import RecipientState
from bots.models import BatchRecipient, MessageBatch
from bots.sending.batches import BATCHES
from core.console.actions import Question, button, confirmed
from core.console.columns import column
from core.console.fieldsets import without
from core.console.filters import VisibleRelatedFilter, since
from core.console.rendering import actor, identifier

COUNTED = {
    "sent": RecipientState.SENT,
    "failed": RecipientState.FAILED,
    "unknown": RecipientState.UNKNOWN,
    "missing": RecipientState.NOT_FOUND,
    "repeated": RecipientState.REPEATED,
}


@admin.register(MessageBatch)
class MessageBatchAdmin(MailingAdmin[MessageBatch]):
    mailer = BATCHES
    cancelled_words = _("The batch is cancelled.")
    changed_words = _("The batch has changed in the meantime. This page shows how it stands now.")
    list_display = ("created", "who", "bot", "msg_type", "state_label", "progress")
    list_filter = ("state", since("created_at"), ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    deferred_in_lists = ("content",)
    sortable_by = ()
    actions_detail = ("retry", "show_recipients", "cancel")
    fieldsets = (
        (None, {"fields": ("bot", "state_label", "progress", "problem")}),
        (_("Recipients"), {"fields": tuple(COUNTED)}),
        (_("Request"), {"fields": ("who", "msg_type", "created_in_full", "started", "finished")}),
    )
    readonly_fields = ("bot", "state_label", "progress", "problem", *COUNTED, "who", "msg_type", "created_in_full", "started",
        "finished")  # fmt: skip
    missed = (*MISSED, RecipientState.NOT_FOUND)  # nobody saw who is not found before it was sent
    empty_title = _("No batches yet")
    empty_text = _("A batch sends one message to many: POST /api/v1/bots/{id}/messages/batch.")

    def get_fieldsets(self, request: HttpRequest, obj: MessageBatch | None = None) -> Any:
        """Without an error where there is none, and moments that have not come."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        shown = {
            "problem": obj.code is not None or obj.reason or obj.said,
            "started": obj.started_at,
            "finished": obj.finished_at,
        }
        return without(fieldsets, {name for name, applies in shown.items() if not applies})

    def title_of(self, row: MessageBatch) -> str:
        return gettext("%(when)s by %(who)s") % {
            "when": date_format(timezone.localtime(row.created_at), "SHORT_DATETIME_FORMAT"),
            "who": actor(row.requested_by),
        }

    @column(_("Sent"))
    def sent(self, batch: MessageBatch) -> str:
        return self._counted(batch, "sent")

    @column(_("failed"))
    def failed(self, batch: MessageBatch) -> str:
        return self._counted(batch, "failed")

    @column(_("outcome unknown"))
    def unknown(self, batch: MessageBatch) -> str:
        return self._counted(batch, "unknown")

    @column(_("not found"))
    def missing(self, batch: MessageBatch) -> str:
        return self._counted(batch, "missing")

    @column(_("named twice"))
    def repeated(self, batch: MessageBatch) -> str:
        return self._counted(batch, "repeated")

    def _counted(self, batch: MessageBatch, name: str) -> str:
        return self.recipients_link(batch, batch.count(COUNTED[name]), state__exact=COUNTED[name])

    @button(_("Try the failed again"), icon="replay", path="try-again")
    @confirmed(
        Question(
            title=_("Try the failed again"),
            text=_(
                "Recipients who were not found are looked up again, and those the message failed for get it. Where nobody "
                "knows whether it was sent, it is not sent again."
            ),
            submit=_("Try again"),
        )
    )
    def retry(self, request: HttpRequest, batch: MessageBatch) -> None:
        self.retry_now(request, batch)

    @button(_("Show recipients"), icon="group", path="recipients", changes=False)
    def show_recipients(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return self.to_recipients(request, object_id)

    @button(_("Cancel batch"), icon="cancel", path="cancel", colour="danger")
    @confirmed(
        Question(
            title=_("Cancel batch"),
            text=_("No further recipients get the message. Those who have it already keep it."),
            submit=_("Cancel batch"),
            danger=True,
        )
    )
    def cancel(self, request: HttpRequest, batch: MessageBatch) -> None:
        self.cancel_now(request, batch)


@admin.register(BatchRecipient)
class BatchRecipientAdmin(RecipientAdmin[BatchRecipient]):
    list_display = ("recipient", "named", "state_label", "failure", "mailing")
    list_filter = ("state", ("bot", VisibleRelatedFilter))
    list_select_related = ("mailing",)
    deferred_in_lists = ("mailing__content",)
    search_fields = ("target__exact", "given__exact")
    search_help_text = _("Name of the person; or open_id, chat_id or what they were named by, in full")
    sortable_by = ()
    fieldsets = (
        (
            None,
            {"fields": ("recipient_in_full", "named", "batch", "state_label", "problem", "message", "chat")},
        ),
    )
    readonly_fields = ("recipient_in_full", "named", "batch", "state_label", "problem", "message", "chat")
    empty_title = _("Nobody here")
    empty_text = _("The recipients of a batch appear here.")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By batch as well, of which there are too many to offer them."""
        return lookup == "mailing__id__exact" or super().lookup_allowed(lookup, value, request)

    @column(_("message batch"))
    def batch(self, recipient: BatchRecipient) -> str:
        return self.mailing_link(recipient, recipient.mailing_id)

    @column(_("message ID"))
    def message(self, recipient: BatchRecipient) -> str:
        return identifier(recipient.message_id)

    @column(_("chat ID"))
    def chat(self, recipient: BatchRecipient) -> str:
        return identifier(recipient.chat_id)
