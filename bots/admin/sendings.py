"""Messages sent for API clients, to read: who, to whom, by which bot, and how it ended."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from bots.admin.sent import SentAdmin
from bots.enums import SendingState
from bots.models import Sending
from core.console.badges import state
from core.console.columns import column
from core.console.rendering import actor, identifier

STATE_COLOURS = {
    SendingState.SENDING: "info",
    SendingState.SENT: "success",
    SendingState.NOT_SENT: "danger",
    SendingState.UNKNOWN: "warning",
}


@admin.register(Sending)
class SendingAdmin(SentAdmin[Sending]):
    list_display = ("time_ago", "sender", "bot", "kind_label", "addressee", "state_label", "code_label")
    search_help_text = _(
        "Name of the person; or address, message answered or updated, or API client, in full"
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "time_in_full",
                    "sender",
                    "bot",
                    "kind_label",
                    "msg_type",
                    "addressee_in_full",
                    "address_kind",
                )
            },
        ),
        (_("Answer"), {"fields": ("state_label", "attempts", "message", "chat", "problem")}),
    )
    readonly_fields = (
        "time_in_full", "sender", "bot", "kind_label", "msg_type", "addressee_in_full", "address_kind", "state_label", "attempts",
        "message", "chat", "problem",
    )  # fmt: skip
    empty_title = _("No message was sent by the API yet")
    empty_text = _(
        "Every message that an API client sends is written down here before it is sent, without its content."
    )

    @column(_("sent by"))
    def sender(self, row: Sending) -> str:
        return actor(row.actor)

    @column(_("state"))
    def state_label(self, row: Sending) -> str:
        return state(SendingState(row.state), STATE_COLOURS)

    @column(_("message ID"))
    def message(self, row: Sending) -> str:
        return identifier(row.message_id)
