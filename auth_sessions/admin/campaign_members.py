"""The people of campaigns: how each was named, whether they were asked, and what they answered."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from auth_sessions.admin.asking import REFUSALS
from auth_sessions.campaigns.answers import CONDITIONS, CampaignAnswer, answer_of
from auth_sessions.enums import SessionState
from auth_sessions.models import CampaignMember
from bots.admin.mailings import RecipientAdmin
from core.console.badges import state
from core.console.columns import column
from core.console.filters import VisibleRelatedFilter, refuse_unknown
from core.console.rendering import EMPTY, when

ANSWER_COLOURS = {
    CampaignAnswer.AUTHORIZED: "success",
    CampaignAnswer.WAITING: "info",
    CampaignAnswer.DECLINED: "warning",
    CampaignAnswer.FAILED: "danger",
}


class AnswerFilter(admin.SimpleListFilter):
    title = _("answer")
    parameter_name = "answer"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return list(CampaignAnswer.choices)

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        if self.value() not in set(CampaignAnswer):
            refuse_unknown(self.value())
            return queryset
        return queryset.filter(CONDITIONS[CampaignAnswer(self.value() or "")])


@admin.register(CampaignMember)
class CampaignMemberAdmin(RecipientAdmin[CampaignMember]):
    list_display = ("recipient", "named", "state_label", "answer", "failure", "mailing")
    list_filter = (AnswerFilter, "state", ("mailing", VisibleRelatedFilter))
    list_select_related = ("mailing", "session")
    deferred_in_lists = ("session__start_token", "session__code_verifier")
    search_fields = ("target__exact", "given__exact")
    search_help_text = _("Name of the person; or open_id, or what they were named by, in full")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("recipient_in_full", "named", "campaign", "state_label", "answer", "problem")}),
        (_("Authorization"), {"fields": ("request_link", "authorized")}),
    )
    readonly_fields = (
        "recipient_in_full", "named", "campaign", "state_label", "answer", "problem", "request_link", "authorized",
    )  # fmt: skip
    empty_title = _("Nobody here")
    empty_text = _("The people of a campaign appear here as soon as they are looked up.")

    @column(_("answer"))
    def answer(self, member: CampaignMember) -> str:
        given = answer_of(member)
        return state(given, ANSWER_COLOURS) if given else EMPTY

    @column(_("authorization campaign"))
    def campaign(self, member: CampaignMember) -> str:
        return self.mailing_link(member, member.mailing)

    @column(_("authorization session"))
    def request_link(self, member: CampaignMember) -> str:
        if member.session is None:
            return EMPTY
        link = reverse("admin:auth_sessions_authsession_change", args=[member.session_id])
        return format_html('<a href="{}">{}</a>', link, SessionState(member.session.state).label)

    @column(_("authorized"))
    def authorized(self, member: CampaignMember) -> str:
        return when(member.authorized_at)

    def reason_of(self, row: CampaignMember) -> str:
        return str(REFUSALS.get(row.reason, "")) or super().reason_of(row)
