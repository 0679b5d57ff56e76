"""Events and what came of them in the console: to read."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from events.enums import Arrived, DeliveryStatus, EventStatus
from events.models import Delivery, Event
from feishu_portal.access.admin.base import MachineWritten, MachineWrittenInline
from feishu_portal.access.admin.columns import EMPTY, ago, column, identifier, label, state, when
from feishu_portal.access.admin.filters import VisibleRelatedFilter, since
from feishu_portal.access.admin.json_text import json_block, masked_text, text_block

EVENT_COLOURS = {
    EventStatus.RECEIVED: "info",
    EventStatus.DISPATCHED: "info",
    EventStatus.DONE: "success",
    EventStatus.DEAD: "danger",
    EventStatus.QUARANTINED: "warning",
}
DELIVERY_COLOURS = {
    DeliveryStatus.PENDING: "info",
    DeliveryStatus.RUNNING: "info",
    DeliveryStatus.RETRYING: "warning",
    DeliveryStatus.SUCCEEDED: "success",
    DeliveryStatus.DEAD: "danger",
}


class DeliveryInline(MachineWrittenInline[Delivery, Event]):
    model = Delivery
    fields = ("handler", "status_label", "attempts", "next_try", "finished", "problem")
    readonly_fields = fields

    @column(_("status"))
    def status_label(self, delivery: Delivery) -> str:
        return state(DeliveryStatus(delivery.status), DELIVERY_COLOURS)

    @column(_("next try"))
    def next_try(self, delivery: Delivery) -> str:
        waiting = delivery.status in {DeliveryStatus.PENDING, DeliveryStatus.RETRYING}
        return ago(delivery.run_at) if waiting else EMPTY

    @column(_("finished"))
    def finished(self, delivery: Delivery) -> str:
        return ago(delivery.finished_at)

    @column(_("error"))
    def problem(self, delivery: Delivery) -> str:
        """The last line of the traceback; the rest unfolds."""
        error = masked_text(delivery.error.strip())
        if not error:
            return EMPTY
        last = error.splitlines()[-1]
        if last == error:
            return format_html('<span class="portal-said">{}</span>', error)
        return format_html(
            '<details class="portal-trace"><summary>{}</summary>{}</details>', last, text_block(error)
        )


@admin.register(Event)
class EventAdmin(MachineWritten[Event]):
    list_display = ("type_shown", "event_id_shown", "bot", "status_label", "arrival", "received", "repeats")
    list_filter = ("status", since("received_at"), "arrived_by", ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    # Equal, not alike: these have an index, and there may be millions of rows.
    search_fields = ("event_id__exact", "event_type__exact")
    search_help_text = _("Event ID or type, in full")
    sortable_by = ()
    deferred_in_lists = ("payload", "error")
    inlines = (DeliveryInline,)
    fieldsets = (
        (None, {"fields": ("type_shown", "event_id_shown", "bot", "status_label", "problem")}),
        (
            _("Arrival"),
            {
                "fields": (
                    "arrival",
                    "created",
                    "received_in_full",
                    "finished",
                    "repeats",
                    "tenant_key",
                    "log_id",
                )
            },
        ),
        (_("Payload"), {"fields": ("payload_shown",), "description": _("As it came; tokens are masked.")}),
    )
    readonly_fields = (
        "type_shown", "event_id_shown", "bot", "status_label", "problem", "arrival", "created", "received_in_full",
        "finished", "repeats", "tenant_key", "log_id", "payload_shown",
    )  # fmt: skip
    empty_title = _("No events yet")
    empty_text = _(
        "Events appear here as soon as a bot is connected and something happens: write to it in Feishu. "
        "In the developer console the app has to subscribe to the event, too."
    )

    @column(_("type"))
    def type_shown(self, event: Event) -> str:
        return event.event_type or str(_("unknown"))

    @column(_("event ID"))
    def event_id_shown(self, event: Event) -> str:
        return identifier(event.event_id)

    @column(_("status"))
    def status_label(self, event: Event) -> str:
        return state(EventStatus(event.status), EVENT_COLOURS)

    @column(_("arrived by"))
    def arrival(self, event: Event) -> str:
        return label(Arrived(event.arrived_by).label)

    @column(_("received"))
    def received(self, event: Event) -> str:
        return ago(event.received_at)

    @column(_("received"))
    def received_in_full(self, event: Event) -> str:
        return when(event.received_at)

    @column(_("created"))
    def created(self, event: Event) -> str:
        return when(event.created_at)

    @column(_("finished"))
    def finished(self, event: Event) -> str:
        return when(event.finished_at)

    @column(_("duplicates"))
    def repeats(self, event: Event) -> str:
        return str(event.duplicates) if event.duplicates else EMPTY

    @column(_("platform log ID"))
    def log_id(self, event: Event) -> str:
        return identifier(event.trace_id)

    @column(_("error"))
    def problem(self, event: Event) -> str:
        return format_html('<span class="portal-said">{}</span>', event.error) if event.error else EMPTY

    @column(_("payload"))
    def payload_shown(self, event: Event) -> str:
        try:
            return json_block(event.envelope)
        except (ValueError, RecursionError):
            return text_block(masked_text(bytes(event.payload).decode("utf-8", "replace")))
