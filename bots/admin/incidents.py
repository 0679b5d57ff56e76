"""Incidents in the console: what needs or needed a person, where it is repaired, and who was notified."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.admin.problems import CONNECTION_CAUSES
from bots.enums import Channel
from bots.incidents.assignment import assign, assignable
from bots.incidents.causes import cause_named, registered_causes
from bots.incidents.failures import in_words
from bots.incidents.notices import why_nobody_was_told
from bots.incidents.repairs import page_of_subject, problem_of
from bots.incidents.silences import end_silence, silence, silence_of
from bots.models import Bot, Incident, Notice
from core.access.models import User
from core.console.actions import Question, ask, button, confirmed
from core.console.badges import label
from core.console.base import ReadOnlyAdmin, ReadOnlyInline, actor_of, operator_of
from core.console.columns import column
from core.console.fields import Select
from core.console.fieldsets import without
from core.console.filters import VisibleRelatedFilter, YesNoFilter, refuse_unknown, since
from core.console.rendering import EMPTY, actor, ago, problem_block, technical, when
from core.console.sentences import cause_and_cure, in_sentences

ASSIGN = Question(
    title=_("Assign"),
    text=_(
        "Operators who see what the incident is about and may change it. They get a notice, and everybody who was told sees "
        "who takes care of it."
    ),
    submit=_("Assign"),
)


class NoticeInline(ReadOnlyInline[Notice, Incident]):
    model = Notice
    fields = ("operator", "channel_label", "problem_sent", "recovery_sent", "problem")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notice]:
        return super().get_queryset(request).select_related("user")

    @column(_("operator"))
    def operator(self, notice: Notice) -> str:
        return str(notice.user)

    @column(_("channel"))
    def channel_label(self, notice: Notice) -> str:
        return label(Channel(notice.channel).label)

    @column(_("problem sent"))
    def problem_sent(self, notice: Notice) -> str:
        return ago(notice.problem_sent_at)

    @column(_("recovery sent"))
    def recovery_sent(self, notice: Notice) -> str:
        return ago(notice.recovery_sent_at)

    @column(_("error"))
    def problem(self, notice: Notice) -> str:
        return technical(*in_words(notice.error)) if notice.error else EMPTY


class OpenFilter(YesNoFilter):
    title = _("open")
    parameter_name = "open"
    condition = Q(closed_at=None)


class AssigneeFilter(admin.SimpleListFilter):
    title = _("taken by")
    parameter_name = "taken"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("Me")), ("nobody", _("Nobody"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        match self.value():
            case "mine":
                return queryset.filter(assignee=operator_of(request))
            case "nobody":
                return queryset.filter(assignee=None)
            case unknown:
                refuse_unknown(unknown)
                return queryset


class AssignForm(forms.Form):
    """Who takes care of it; nobody where it is left empty."""

    operator = forms.ModelChoiceField(
        User.objects.none(), label=_("operator"), required=False, empty_label=_("Nobody"), widget=Select
    )

    def __init__(self, incident: Incident, data: Any = None) -> None:
        super().__init__(data, initial={"operator": incident.assignee_id})
        cast("Any", self.fields["operator"]).queryset = assignable(incident)


class CauseFilter(admin.SimpleListFilter):
    title = _("cause")
    parameter_name = "cause"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return [(cause.name, cause.label) for cause in registered_causes()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        return queryset.filter(cause=self.value()) if self.value() else queryset


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin[Incident]):
    list_display = ("cause_label", "affected", "is_open", "taken_by", "began", "over", "explanation")
    list_filter = (OpenFilter, AssigneeFilter, CauseFilter, since("opened_at"), ("bot", VisibleRelatedFilter))
    list_select_related = ("bot", "assignee")
    sortable_by = ()
    inlines = (NoticeInline,)
    actions_detail = ("take", "assign", "silence", "end_silence")
    change_form_before_template = "admin/bots/incident/repair.html"
    fields = (
        "affected",
        "is_open",
        "taken_by",
        "began_in_full",
        "noticed_in_full",
        "over_in_full",
        "explanation",
        "nobody_told",
    )
    readonly_fields = fields
    empty_title = _("No incidents")
    empty_text = _(
        "When something needs a person, because a bot cannot connect or is refused, because another program takes its "
        "events or a receiver takes none, that appears here, and the owners get an e-mail or a Feishu message."
    )

    @column(_("cause"))
    def cause_label(self, incident: Incident) -> str:
        cause = cause_named(incident.cause)
        return label(cause.label, "danger" if cause.is_severe else "warning")

    @column(_("subject"))
    def affected(self, incident: Incident) -> str:
        page = page_of_subject(incident)
        return format_html('<a class="text-link" href="{}">{}</a>', page, incident.affected_name)

    @column(_("state"))
    def is_open(self, incident: Incident) -> str:
        return label(_("Open"), "danger") if incident.closed_at is None else label(_("Over"), "success")

    @column(_("taken by"))
    def taken_by(self, incident: Incident) -> str:
        return str(incident.assignee) if incident.assignee else EMPTY

    @column(_("began"))
    def began(self, incident: Incident) -> str:
        return ago(incident.began_at)

    @column(_("over"))
    def over(self, incident: Incident) -> str:
        return ago(incident.closed_at)

    @column(_("began"))
    def began_in_full(self, incident: Incident) -> str:
        return when(incident.began_at)

    @column(_("noticed"))
    def noticed_in_full(self, incident: Incident) -> str:
        return when(incident.opened_at)

    @column(_("over"))
    def over_in_full(self, incident: Incident) -> str:
        return when(incident.closed_at)

    @column(_("cause and cure"))
    def explanation(self, incident: Incident) -> str:
        return problem_block(incident.explanation)

    def get_fieldsets(self, request: HttpRequest, obj: Incident | None = None) -> Any:
        """When it was over, where it is, and why nobody was told, where nobody was."""
        parts = super().get_fieldsets(request, obj)
        if obj is None:
            return parts
        shown = {"over_in_full": obj.closed_at, "nobody_told": why_nobody_was_told(obj)}
        return without(parts, {name for name, applies in shown.items() if not applies})

    @column(_("why nobody was told"))
    def nobody_told(self, incident: Incident) -> str:
        return why_nobody_was_told(incident) or EMPTY

    # --- the page

    def page_context(self, request: HttpRequest, row: Incident) -> dict[str, Any]:
        told: dict[str, Any] = {"title": row.headline}
        if row.closed_at is None:
            repair, found = problem_of(row).repair, silence_of(row)
            may_repair = not repair.permission or operator_of(request).has_perm(repair.permission)
            told |= {
                "repair": repair if may_repair else None,
                "silence": found,
                "by": actor(found.by) if found else "",
            }
        return told

    def fits(self, action: str, row: Incident) -> bool:
        """An open incident is either silenced or not."""
        if row.closed_at is not None:
            return False
        if action in {"take", "assign"}:
            return action == "assign" or row.assignee_id is None
        return action == ("end_silence" if silence_of(row) else "silence")

    @button(_("Take it"), icon="pan_tool", path="take", colour="primary")
    @confirmed(
        Question(
            title=_("Take it"),
            text=_("Everybody who was told of it sees that you take care of it."),
            submit=_("Take it"),
        )
    )
    def take(self, request: HttpRequest, incident: Incident) -> None:
        if assign(incident, operator_of(request), actor=actor_of(request)):
            self.message_user(request, gettext("You take care of it."), messages.SUCCESS)
        else:
            self.message_user(request, gettext("It is yours already, or over."), messages.WARNING)

    @button(_("Assign"), icon="assignment_ind", path="assign")
    def assign(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        incident = self.visible_or_404(request, unquote(object_id))
        form = AssignForm(incident, request.POST if request.method == "POST" else None)
        if request.method != "POST" or not form.is_valid():
            return ask(request, self, ASSIGN, row=incident, form=form)
        to: User | None = form.cleaned_data["operator"]
        if not assign(incident, to, actor=actor_of(request)):
            self.message_user(request, gettext("Nothing has changed."), messages.WARNING)
        elif to is None:
            self.message_user(request, gettext("Nobody takes care of it now."), messages.SUCCESS)
        else:
            said = gettext("%(name)s takes care of it.") % {"name": to}
            self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(self.page_after(request, incident))

    @button(_("Silence for a day"), icon="notifications_paused", path="silence")
    @confirmed(
        Question(
            title=_("Silence for a day"),
            text=_(
                "For a day the overview does not count it and nobody is notified of it. Another kind of cause ends the silence."
            ),
            submit=_("Silence for a day"),
        )
    )
    def silence(self, request: HttpRequest, incident: Incident) -> None:
        silence(problem_of(incident), actor=actor_of(request))
        said = gettext("Silenced for a day: %(problem)s") % {"problem": incident.headline}
        self.message_user(request, said, messages.SUCCESS)

    @button(_("End silence"), icon="notifications", path="end-silence")
    @confirmed(
        Question(
            title=_("End silence"),
            text=_("The overview counts it again, and notices that waited are sent."),
            submit=_("End silence"),
        )
    )
    def end_silence(self, request: HttpRequest, incident: Incident) -> None:
        end_silence(problem_of(incident), actor=actor_of(request))


def open_incidents(bot: Bot) -> list[str]:
    """What needs a person now, each with cause and cure, for the top of the bot's page; but for its connections, of which the
    page says that already."""
    ongoing = bot.incidents.ongoing().exclude(cause__in=CONNECTION_CAUSES)
    incidents = ongoing.select_related("bot").order_by("pk")
    return [in_sentences(incident.headline, cause_and_cure(incident.explanation)) for incident in incidents]
