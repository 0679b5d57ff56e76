"""What the pages of sent messages and of streamed replies have in common: columns that say to whom, and how it went."""

from typing import TypeVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bots.enums import SendingKind
from bots.models import ReplyStream, Sending
from core.access.bot_directory import PersonRef
from core.access.models import ApiClient
from core.console.badges import label
from core.console.base import ReadOnlyAdmin
from core.console.columns import column
from core.console.filters import VisibleRelatedFilter, since
from core.console.people import PeopleAdmin
from core.console.rendering import EMPTY, ago, identifier, problem_block, when
from feishu.codes import explain

S = TypeVar("S", bound=Sending | ReplyStream)


class SentAdmin(PeopleAdmin[S], ReadOnlyAdmin[S]):
    open_id_column = "target"
    list_filter = ("state", "kind", since("at"), ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    search_fields = ("target__exact",)
    sortable_by = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[S], search_term: str
    ) -> tuple[QuerySet[S], bool]:
        """By people's names, and by the ids of clients, which an index leads from to what they sent, whatever they were called then."""
        term = search_term.strip()
        if not term:
            return queryset, False
        clients = ApiClient.objects.filter(name=term.removeprefix("api:")).values_list("pk", flat=True)
        found = queryset.filter(Q(target=term) | Q(client__in=list(clients)))
        return self.and_by_name(request, queryset, term, found), False

    def title_of(self, row: S) -> str:
        return f"{SendingKind(row.kind).label} · {self.name_of(row, row.target) or row.target}"

    def people_of(self, row: S) -> list[PersonRef]:
        return super().people_of(row) if row.receive_id_type == "open_id" else []

    @column(_("time"))
    def time_ago(self, row: S) -> str:
        return ago(row.at)

    @column(_("time"))
    def time_in_full(self, row: S) -> str:
        return when(row.at)

    @column(_("kind"))
    def kind_label(self, row: S) -> str:
        return label(SendingKind(row.kind).label)

    @column(_("to"))
    def addressee(self, row: S) -> str:
        return self.person_in(row, row.target)

    @column(_("to"))
    def addressee_in_full(self, row: S) -> str:
        return self.person_in(row, row.target, in_full=True)

    @column(_("kind of address"))
    def address_kind(self, row: S) -> str:
        return identifier(row.receive_id_type or "message_id")

    @column(_("platform code"))
    def code_label(self, row: S) -> str:
        return EMPTY if row.code is None else label(row.code, "danger")

    @column(_("chat ID"))
    def chat(self, row: S) -> str:
        return identifier(row.chat_id)

    @column(_("error"))
    def problem(self, row: S) -> str:
        if row.code is None and not row.reason:
            return row.said or EMPTY
        info = explain(row.code, row.reason).for_one_attempt
        return problem_block(info, said=row.said, log_id=row.log_id)
