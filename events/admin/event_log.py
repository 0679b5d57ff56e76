"""The event log: a list that stays fast with millions of rows, and one event with its timeline."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.console.actions import button
from core.console.badges import label, state
from core.console.base import ReadOnlyAdmin, operator_of
from core.console.columns import column
from core.console.fieldsets import without
from core.console.people import shown_in_full
from core.console.rendering import EMPTY, ago, copyable_block, identifier, json_block, text_block, when
from core.vault.redaction import redact_text
from events.admin import list_cells
from events.admin.change_list import EventChangeList
from events.admin.dead_letters import dead_letters_page
from events.admin.filters import FILTERS
from events.admin.life import EventLife, life_of
from events.admin.message import message
from events.admin.problems import problems_of
from events.admin.replay_form import ask_and_replay, ask_and_replay_event
from events.admin.tail import tail_page, tail_poll
from events.admin.timeline import deliveries, handler_runs
from events.admin.trying import ask_and_run_handler, filter_page
from events.admin.waterfall import waterfall
from events.enums import Arrived, EventStatus
from events.expansion import read
from events.log.replay import MAX_SELECTED
from events.models import Event, EventExpansion

EVENT_COLOURS = {
    EventStatus.RECEIVED: "info",
    EventStatus.DISPATCHED: "info",
    EventStatus.DONE: "success",
    EventStatus.DEAD: "danger",
    EventStatus.STALE: "warning",
    EventStatus.QUARANTINED: "warning",
}
MAX_TITLE = 40
"""Characters of what an event says, in the title of its page."""
# Control characters are invisible on a page, and some reorder the text around them.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(9), 11, 12, *range(14, 32), *range(127, 160))}


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin[Event]):
    list_display = ("received", "type_and_bot", "sender_and_chat", "said", "handling", "took")
    list_display_links = ("type_and_bot",)
    list_filter = FILTERS
    list_filter_submit = True
    list_filter_sheet = True
    list_select_related = ("bot",)
    list_before_template = "admin/events/event/above_list.html"
    search_fields = ("event_id",)  # shows the field; the change list does the searching
    search_help_text = _("Event, message or log ID in full, or part of the payload")
    sortable_by = ()
    deferred_in_lists = ("payload", "error")
    actions = ("replay_selected",)
    actions_detail = ("replay_one", "run_handler", "test_filter")
    change_form_before_template = "admin/events/event/problems.html"
    fieldsets = (
        (None, {"fields": ("type_in_full", "status_label", "bot", "sender_in_full", "chat_in_full", "message_shown")}),
        (_("Processing"), {"fields": ("waterfall", "handler_runs")}),
        (
            _("Deliveries"),
            {
                "fields": ("deliveries",),
                "description": _("To subscriptions. Their states are their own: the event's speaks of its handlers."),
            },
        ),
        (_("Payload"), {"fields": ("payload_shown", "expanded_shown"), "description": _("As it came; tokens are masked.")}),
        (
            _("Arrival"),
            {
                "fields": (
                    "event_id_shown",
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
    )  # fmt: skip
    readonly_fields = (
        "type_in_full", "status_label", "bot", "sender_in_full", "chat_in_full", "message_shown", "waterfall", "handler_runs",
        "deliveries", "payload_shown", "expanded_shown", "event_id_shown", "arrival", "created", "received_in_full", "finished", "repeats",
        "tenant_key", "log_id",
    )  # fmt: skip
    empty_title = _("No events yet")
    empty_text = _(
        "Events appear here as soon as a bot is connected and something happens: write to it in Feishu. "
        "In the developer console the app has to subscribe to the event, too."
    )

    def title_of(self, row: Event) -> str:
        """What it is and what it says: an id tells a person nothing."""
        return " · ".join(
            filter(
                None,
                (list_cells.type_in_words(row.event_type), Truncator(list_cells.said(row)).chars(MAX_TITLE)),
            )
        )

    def get_fieldsets(self, request: HttpRequest, obj: Event | None = None) -> Any:
        """Messages that this one refers to are there where somebody wanted them."""
        parts = super().get_fieldsets(request, obj)
        if obj is None or EventExpansion.objects.filter(pk=obj.pk, content__isnull=False).exists():
            return parts
        return without(parts, {"expanded_shown"})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[EventChangeList]:  # noqa: ARG002 -- Django's signature
        return EventChangeList

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet[Event], _search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        """Left to the change list, which bounds it."""
        return queryset, False

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "dead-letters": ("dead_letters", dead_letters_page),
            "live": ("tail", tail_page),
            "replay": ("replay_matching", EventAdmin.replay_matching),
        }
        own = [
            path(
                f"{address}/",
                self.admin_site.admin_view(page.__get__(self)),
                name=f"events_event_{name}",
            )
            for address, (name, page) in pages.items()
        ]
        poll = path("live/poll/", self.admin_site.admin_view(tail_poll), name="events_event_tail_poll")
        return [*own, poll, *super().get_urls()]

    # --- replay

    def replay_matching(self, request: HttpRequest) -> HttpResponseBase:
        """All that the filters in the address match, not only the page that was shown."""
        change_list = cast("EventChangeList", self.get_changelist_instance(request))
        return ask_and_replay(self, request, change_list.criteria)

    @button(_("Replay"), icon="replay", path="replay")
    def replay_one(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return ask_and_replay_event(self, request, self.visible_or_404(request, unquote(object_id)))

    @button(_("Run a handler"), icon="play_arrow", path="run-handler")
    def run_handler(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return ask_and_run_handler(self, request, self.visible_or_404(request, unquote(object_id)))

    @button(_("Test a filter"), icon="filter_alt", path="test-filter", changes=False)
    def test_filter(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return filter_page(self, request, self.visible_or_404(request, unquote(object_id)))

    def page_context(self, request: HttpRequest, row: Event) -> dict[str, Any]:
        return {"problems": problems_of(self._life(row), may_change=operator_of(request).may_manage)}

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Event | None:
        event = super().get_object(request, object_id, from_field)
        if event is not None:
            event.viewer = operator_of(request)  # type: ignore[attr-defined]  # for the timeline, which gets no request
        return event

    @admin.action(description=_("Replay"))
    def replay_selected(self, request: HttpRequest, events: QuerySet[Event]) -> HttpResponseBase | None:
        """Goes to the page that asks, with the selection in its address."""
        pks = [str(pk) for pk in events.order_by("-pk").values_list("pk", flat=True)[: MAX_SELECTED + 1]]
        if len(pks) > MAX_SELECTED:
            self.message_user(request, _("Too many to name: use a filter instead."), messages.ERROR)
            return None
        return HttpResponseRedirect(f"{reverse('admin:events_event_replay_matching')}?pk={','.join(pks)}")

    # --- columns

    @column(_("type"))
    def type_in_full(self, event: Event) -> str:
        return format_html("{} {}", list_cells.type_in_words(event.event_type), identifier(event.event_type))

    @column(_("sender"))
    def sender_in_full(self, event: Event) -> str:
        ref = list_cells.sender_of(event)
        return shown_in_full(ref[1], list_cells.senders_of([event]).get(ref)) if ref[1] else EMPTY

    @column(_("chat"))
    def chat_in_full(self, event: Event) -> str:
        kind = gettext("Private chat") if event.summary.chat_type == "p2p" else ""
        chat = identifier(event.summary.chat)
        return format_html("{} {}", kind, chat) if kind else chat

    @column(_("message content"))
    def message_shown(self, event: Event) -> str:
        return message(event)

    @column(_("event and bot"))
    def type_and_bot(self, event: Event) -> str:
        return format_html(
            '<span title="{}">{}</span><span class="portal-second" title="{}">{}</span>',
            event.event_type,
            list_cells.type_in_words(event.event_type),
            event.bot.name,
            event.bot.name,
        )

    @column(_("sender and chat"))
    def sender_and_chat(self, event: Event) -> str:
        sender = list_cells.sender(event, event.cells.sender)  # type: ignore[attr-defined]  # set by the change list
        return format_html('{}<span class="portal-second">{}</span>', sender, list_cells.chat(event))

    @column(_("text"))
    def said(self, event: Event) -> str:
        text = list_cells.said(event)
        return format_html('<span title="{}">{}</span>', text, text) if text else EMPTY

    @column(_("handlers"))
    def handling(self, event: Event) -> str:
        runs = event.cells.runs  # type: ignore[attr-defined]  # set by the change list
        return format_html("{} {}", self.status_label(event), list_cells.chips(runs))

    @column(_("took"))
    def took(self, event: Event) -> str:
        return list_cells.took(event, event.cells)  # type: ignore[attr-defined]  # set by the change list

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

    @column(_("payload"))
    def payload_shown(self, event: Event) -> str:
        try:
            return copyable_block(json_block(event.envelope))
        except (ValueError, RecursionError):
            raw = bytes(event.payload).decode("utf-8", "backslashreplace")
            return text_block(redact_text(raw.translate(_CONTROL)))

    @column(_("messages referred to"))
    def expanded_shown(self, event: Event) -> str:
        """Fetched for a handler or a subscription that wants them."""
        stored = EventExpansion.objects.filter(pk=event.pk).first()
        return EMPTY if stored is None else json_block(read(stored))

    @column(_("steps"))
    def waterfall(self, event: Event) -> str:
        return waterfall(self._life(event))

    @column(_("handlers"))
    def handler_runs(self, event: Event) -> str:
        return handler_runs(self._life(event))

    @column(_("deliveries"))
    def deliveries(self, event: Event) -> str:
        return deliveries(self._life(event))

    def _life(self, event: Event) -> EventLife:
        """Read once for the whole page."""
        life: EventLife | None = getattr(event, "life", None)
        if life is None:
            life = event.life = life_of(event, event.viewer)  # type: ignore[attr-defined]  # the viewer is set by get_object
        return life
