"""Approvals, to read: which call, who was asked, what they said, and what became of it. What stood in the call is sealed and
shown to nobody but the person; so are names of chats and documents, which are looked up with their grant. People have the
names that the console knows them by."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.console.actions import Question, button, confirmed
from core.console.badges import label, state
from core.console.base import ReadOnlyAdmin, actor_of
from core.console.columns import column
from core.console.fieldsets import without
from core.console.filters import VisibleRelatedFilter, since
from core.console.people import PeopleAdmin, called, names_of
from core.console.rendering import EMPTY, ago, identifier, problem_block, when
from feishu.codes import explain
from feishu.quoting import quoted
from feishu_portal.approvals.cards import MAX_FOREIGN_NAME
from feishu_portal.approvals.decisions import end_hour
from feishu_portal.approvals.enums import ApprovalState, Approved
from feishu_portal.approvals.models import CallApproval
from feishu_portal.approvals.resources import PERSON, resources_of

STATE_COLOURS = {
    ApprovalState.ASKED: "warning",
    ApprovalState.APPROVED: "info",
    ApprovalState.SENDING: "info",
    ApprovalState.DONE: "success",
    ApprovalState.FAILED: "danger",
    ApprovalState.UNCERTAIN: "danger",
    ApprovalState.NOT_ASKED: "danger",
}


def inapplicable(approval: CallApproval) -> set[str]:
    """Fields that say nothing of this approval, or nothing yet."""
    shown = {
        "resources_shown": approval.resources, "body": approval.body_bytes, "decided": approval.decided_at,
        "approved_shown": approval.approved, "covers": approval.covers_until, "sent": approval.sent_at,
        "ended": approval.finished_at, "outcome": approval.status is not None, "log": approval.log_id,
        "trouble": approval.problem, "message": approval.message_id, "card_problem": approval.card_error,
    }  # fmt: skip
    return {name for name, value in shown.items() if not value}


@admin.register(CallApproval)
class CallApprovalAdmin(PeopleAdmin[CallApproval], ReadOnlyAdmin[CallApproval]):
    list_display = ("call_shown", "state_label", "person", "caller_shown", "approved_shown", "asked")
    list_filter = ("state", since("asked_at"), ("bot", VisibleRelatedFilter))
    search_fields = ("open_id__exact", "caller__exact")
    search_help_text = _("Name of the person; or open_id or caller, in full")
    deferred_in_lists = ("call", "answer", "resources")
    sortable_by = ()
    fieldsets = (
        (
            None,
            {"fields": ("call_shown", "state_label", "person_in_full", "bot", "caller_shown", "rule_shown")},
        ),
        (
            _("Call"),
            {
                "fields": ("resources_shown", "body"),
                "description": _(
                    "What the call says is sealed, shown to the person alone, and deleted when it has ended."
                ),
            },
        ),
        (_("Decision"), {"fields": ("asked_in_full", "expires", "decided", "approved_shown", "covers")}),
        (_("Outcome"), {"fields": ("sent", "ended", "outcome", "log", "trouble")}),
        (_("Card"), {"fields": ("card", "message", "card_problem")}),
    )
    readonly_fields = (
        "call_shown", "state_label", "person_in_full", "caller_shown", "rule_shown", "resources_shown", "body", "asked_in_full", "expires", "decided",
        "approved_shown", "covers", "sent", "ended", "outcome", "log", "trouble", "card", "message", "card_problem",
    )  # fmt: skip
    actions_row = ("end_hour",)
    actions_detail = ("end_hour",)
    empty_title = _("No approvals yet")
    empty_text = _(
        "Where a rule of an API client says ask, the person approves its calls on a card; each stands here."
    )

    def get_fieldsets(self, request: HttpRequest, obj: CallApproval | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj is None else without(fieldsets, inapplicable(obj))

    @column(_("call"))
    def call_shown(self, approval: CallApproval) -> str:
        return str(approval)

    @column(_("state"))
    def state_label(self, approval: CallApproval) -> str:
        if approval.is_refused:
            return label(_("Refused by the platform"), "warning")
        return state(ApprovalState(approval.state), STATE_COLOURS)

    @column(_("person"))
    def person(self, approval: CallApproval) -> str:
        return self.person_in(approval, approval.open_id)

    @column(_("person"))
    def person_in_full(self, approval: CallApproval) -> str:
        return self.person_in(approval, approval.open_id, in_full=True)

    @column(_("caller"))
    def caller_shown(self, approval: CallApproval) -> str:
        """With the agent that a person connected."""
        return f"{approval.caller} · {approval.agent}" if approval.agent else approval.caller

    @column(_("rule"))
    def rule_shown(self, approval: CallApproval) -> str:
        return format_html("<code>{}</code>", approval.rule)

    @column(_("resources"))
    def resources_shown(self, approval: CallApproval) -> str:
        people = {
            one.id: (approval.bot_id, one.id)
            for one in resources_of("", approval.resources)
            if one.kind == PERSON
        }
        known = names_of(people.values())
        shown = []
        for resource in approval.resources:
            person = people.get(resource.partition("=")[2])
            name = quoted(called(known.get(person)), most=MAX_FOREIGN_NAME) if person else ""
            shown.append(f"{resource} {name}".rstrip())
        return ", ".join(shown) or EMPTY

    @column(_("body"))
    def body(self, approval: CallApproval) -> str:
        if not approval.body_bytes:
            return EMPTY
        size = _("%(count)s bytes") % {"count": approval.body_bytes}
        return format_html("{} · SHA-256 {}", size, identifier(approval.body_hash))

    @column(_("asked"))
    def asked(self, approval: CallApproval) -> str:
        return ago(approval.asked_at)

    @column(_("asked"))
    def asked_in_full(self, approval: CallApproval) -> str:
        return when(approval.asked_at)

    @column(_("expires"))
    def expires(self, approval: CallApproval) -> str:
        return when(approval.expires_at)

    @column(_("decided"))
    def decided(self, approval: CallApproval) -> str:
        return when(approval.decided_at)

    @column(_("approved"))
    def approved_shown(self, approval: CallApproval) -> str:
        return str(Approved(approval.approved).label) if approval.approved else EMPTY

    def fits(self, action: str, row: CallApproval) -> bool:  # noqa: ARG002 -- there is one
        return row.is_standing

    @button(_("End the hour"), icon="timer_off", path="end-hour", colour="danger")
    @confirmed(
        Question(
            title=_("End the hour"),
            text=_(
                "The person is asked about such calls again, from now on. Calls that are under way go on."
            ),
            submit=_("End the hour"),
            danger=True,
        )
    )
    def end_hour(self, request: HttpRequest, approval: CallApproval) -> None:
        if end_hour(approval, actor=actor_of(request)):
            self.message_user(
                request, gettext("The person is asked about such calls again."), messages.SUCCESS
            )
        else:
            self.message_user(request, gettext("The hour is over already."), messages.WARNING)

    @column(_("covers such calls until"))
    def covers(self, approval: CallApproval) -> str:
        if approval.covers_until is None:
            return EMPTY
        calls = _("further calls: %(count)s") % {"count": approval.covered}
        return format_html("{} · {}", when(approval.covers_until), calls)

    @column(_("sent"))
    def sent(self, approval: CallApproval) -> str:
        return when(approval.sent_at)

    @column(_("ended"))
    def ended(self, approval: CallApproval) -> str:
        return when(approval.finished_at)

    @column(_("the platform's answer"))
    def outcome(self, approval: CallApproval) -> str:
        if approval.status is None:
            return EMPTY
        told = f"HTTP {approval.status}" + (f", {approval.code}" if approval.code is not None else "")
        if not approval.code:
            return told
        return format_html("{}{}", told, problem_block(explain(approval.code)))

    @column(_("platform log ID"))
    def log(self, approval: CallApproval) -> str:
        return identifier(approval.log_id)

    @column(_("problem"))
    def trouble(self, approval: CallApproval) -> str:
        return approval.problem or EMPTY

    @column(_("card"))
    def card(self, approval: CallApproval) -> str:
        if approval.card_given_up:
            return label(_("Cannot be shown"), "danger")
        if approval.card_shows >= approval.version:
            return label(_("Up to date"), "success")
        return label(_("Being updated") if approval.message_id else _("Being sent"), "warning")

    @column(_("card message"))
    def message(self, approval: CallApproval) -> str:
        return identifier(approval.message_id)

    @column(_("error"))
    def card_problem(self, approval: CallApproval) -> str:
        return approval.card_error or EMPTY
