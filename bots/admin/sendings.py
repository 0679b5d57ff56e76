"""Messages sent for API clients, to read: who, to whom, by which bot, and how it ended."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bots.enums import SendingKind, SendingState
from bots.models import Sending
from core.access.models import ApiClient
from core.console.badges import label, state
from core.console.base import ReadOnlyAdmin
from core.console.columns import column
from core.console.filters import VisibleRelatedFilter, since
from core.console.people import PeopleAdmin, PersonRef
from core.console.rendering import EMPTY, actor, ago, identifier, problem_block, when
from feishu.codes import explain

STATE_COLOURS = {
    SendingState.SENDING: "info",
    SendingState.SENT: "success",
    SendingState.NOT_SENT: "danger",
    SendingState.UNKNOWN: "warning",
}


@admin.register(Sending)
class SendingAdmin(PeopleAdmin[Sending], ReadOnlyAdmin[Sending]):
    open_id_column = "target"
    list_display = ("time_ago", "sender", "bot", "kind_label", "addressee", "state_label", "code_label")
    list_filter = ("state", "kind", since("at"), ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    search_fields = ("target__exact",)
    search_help_text = _(
        "Name of the person; or address, message answered or updated, or API client, in full"
    )
    sortable_by = ()
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

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Sending], search_term: str
    ) -> tuple[QuerySet[Sending], bool]:
        """By people's names, and by the ids of clients, which an index leads from to what they sent, whatever they were called then."""
        term = search_term.strip()
        if not term:
            return queryset, False
        clients = ApiClient.objects.filter(name=term.removeprefix("api:")).values_list("pk", flat=True)
        found = queryset.filter(Q(target=term) | Q(client__in=list(clients)))
        return self.and_by_name(request, queryset, term, found), False

    def title_of(self, row: Sending) -> str:
        return f"{SendingKind(row.kind).label} · {self.name_of(row, row.target) or row.target}"

    def people_of(self, row: Sending) -> list[PersonRef]:
        return super().people_of(row) if row.receive_id_type == "open_id" else []

    @column(_("time"))
    def time_ago(self, sending: Sending) -> str:
        return ago(sending.at)

    @column(_("time"))
    def time_in_full(self, sending: Sending) -> str:
        return when(sending.at)

    @column(_("sent by"))
    def sender(self, sending: Sending) -> str:
        return actor(sending.actor)

    @column(_("kind"))
    def kind_label(self, sending: Sending) -> str:
        return label(SendingKind(sending.kind).label)

    @column(_("to"))
    def addressee(self, sending: Sending) -> str:
        return self.person_in(sending, sending.target)

    @column(_("to"))
    def addressee_in_full(self, sending: Sending) -> str:
        return self.person_in(sending, sending.target, in_full=True)

    @column(_("kind of address"))
    def address_kind(self, sending: Sending) -> str:
        return identifier(sending.receive_id_type or "message_id")

    @column(_("state"))
    def state_label(self, sending: Sending) -> str:
        return state(SendingState(sending.state), STATE_COLOURS)

    @column(_("platform code"))
    def code_label(self, sending: Sending) -> str:
        return EMPTY if sending.code is None else label(sending.code, "danger")

    @column(_("message ID"))
    def message(self, sending: Sending) -> str:
        return identifier(sending.message_id)

    @column(_("chat ID"))
    def chat(self, sending: Sending) -> str:
        return identifier(sending.chat_id)

    @column(_("error"))
    def problem(self, sending: Sending) -> str:
        if sending.code is None and not sending.reason:
            return EMPTY
        info = explain(sending.code, sending.reason).for_one_attempt
        return problem_block(info, said=sending.said, log_id=sending.log_id)
