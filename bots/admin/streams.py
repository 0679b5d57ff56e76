"""Streamed replies, to read: who wrote them, to whom, by which bot, and how they ended."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bots.enums import SendingKind, StreamState
from bots.models import ReplyStream
from core.access.models import ApiClient
from core.console.badges import label, state
from core.console.base import ReadOnlyAdmin
from core.console.columns import column
from core.console.filters import VisibleRelatedFilter, since
from core.console.people import PeopleAdmin, PersonRef
from core.console.rendering import EMPTY, actor, ago, identifier, problem_block, when
from feishu.codes import explain

STATE_COLOURS = {
    StreamState.RUNNING: "info",
    StreamState.COMPLETE: "success",
    StreamState.INTERRUPTED: "warning",
    StreamState.TOO_LONG: "warning",
    StreamState.FAILED: "danger",
}


@admin.register(ReplyStream)
class ReplyStreamAdmin(PeopleAdmin[ReplyStream], ReadOnlyAdmin[ReplyStream]):
    open_id_column = "target"
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
    list_filter = ("state", "kind", since("at"), ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    search_fields = ("target__exact",)
    search_help_text = _("Name of the person; or address, message answered, or API client, in full")
    sortable_by = ()
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

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ReplyStream], search_term: str
    ) -> tuple[QuerySet[ReplyStream], bool]:
        """By people's names, and by the ids of clients, as for sent messages."""
        term = search_term.strip()
        if not term:
            return queryset, False
        clients = ApiClient.objects.filter(name=term.removeprefix("api:")).values_list("pk", flat=True)
        found = queryset.filter(Q(target=term) | Q(client__in=list(clients)))
        return self.and_by_name(request, queryset, term, found), False

    def people_of(self, row: ReplyStream) -> list[PersonRef]:
        return super().people_of(row) if row.receive_id_type == "open_id" else []

    @column(_("time"))
    def time_ago(self, row: ReplyStream) -> str:
        return ago(row.at)

    @column(_("time"))
    def time_in_full(self, row: ReplyStream) -> str:
        return when(row.at)

    @column(_("written by"))
    def writer(self, row: ReplyStream) -> str:
        return actor(row.actor)

    @column(_("kind"))
    def kind_label(self, row: ReplyStream) -> str:
        return label(SendingKind(row.kind).label)

    @column(_("to"))
    def addressee(self, row: ReplyStream) -> str:
        return self.person_in(row, row.target)

    @column(_("to"))
    def addressee_in_full(self, row: ReplyStream) -> str:
        return self.person_in(row, row.target, in_full=True)

    @column(_("kind of address"))
    def address_kind(self, row: ReplyStream) -> str:
        return identifier(row.receive_id_type or "message_id")

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

    @column(_("platform code"))
    def code_label(self, row: ReplyStream) -> str:
        return EMPTY if row.code is None else label(row.code, "danger")

    @column(_("message ID"))
    def messages(self, row: ReplyStream) -> str:
        return identifier(", ".join(row.message_ids))

    @column(_("chat ID"))
    def chat(self, row: ReplyStream) -> str:
        return identifier(row.chat_id)

    @column(_("error"))
    def problem(self, row: ReplyStream) -> str:
        if row.code is None and not row.reason:
            return row.said or EMPTY
        info = explain(row.code, row.reason).for_one_attempt
        return problem_block(info, said=row.said, log_id=row.log_id)
