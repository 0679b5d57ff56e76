"""Streamed replies, to read: who wrote them, to whom, by which bot, and how they ended."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from bots.admin.sent import SentAdmin
from bots.enums import StreamState
from bots.models import ReplyStream
from core.console.badges import label, state
from core.console.columns import column
from core.console.rendering import EMPTY, actor, identifier, when

STATE_COLOURS = {
    StreamState.RUNNING: "info",
    StreamState.COMPLETE: "success",
    StreamState.INTERRUPTED: "warning",
    StreamState.TOO_LONG: "warning",
    StreamState.FAILED: "danger",
}


@admin.register(ReplyStream)
class ReplyStreamAdmin(SentAdmin[ReplyStream]):
    list_display = (
        "time_ago",
        "writer",
        "bot",
        "kind_label",
        "addressee",
        "state_label",
        "characters",
        "code_label",
    )
    search_help_text = _("Name of the person; or address, message answered, or API client, in full")
    fieldsets = (
        (
            None,
            {"fields": ("time_in_full", "writer", "bot", "kind_label", "addressee_in_full", "address_kind")},
        ),
        (
            _("Reply"),
            {
                "fields": (
                    "state_label",
                    "closed",
                    "ended",
                    "attempts",
                    "characters",
                    "messages",
                    "chat",
                    "problem",
                )
            },
        ),
    )
    readonly_fields = (
        "time_in_full", "writer", "bot", "kind_label", "addressee_in_full", "address_kind", "state_label", "closed", "ended",
        "attempts", "characters", "messages", "chat", "problem",
    )  # fmt: skip
    empty_title = _("No reply was streamed yet")
    empty_text = _(
        "Replies that API clients stream and handlers yield are written down here before they are shown, without their content."
    )

    @column(_("written by"))
    def writer(self, row: ReplyStream) -> str:
        return actor(row.actor)

    @column(_("state"))
    def state_label(self, row: ReplyStream) -> str:
        return state(StreamState(row.state), STATE_COLOURS)

    @column(_("cards"))
    def closed(self, row: ReplyStream) -> str:
        if not row.is_open:
            return label(_("Closed"), "success")
        if row.lease_until is None:
            return label(_("Could not be closed"), "danger")
        return label(_("Open"), "info")

    @column(_("ended"))
    def ended(self, row: ReplyStream) -> str:
        return when(row.ended_at) if row.ended_at else EMPTY

    @column(_("message ID"))
    def messages(self, row: ReplyStream) -> str:
        return identifier(", ".join(row.message_ids))
