"""Incidents in the console: what needs or needed a person, where it is repaired, and who was notified."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.admin.problems import CONNECTION_CAUSES
from bots.admin.repairs import page_of_subject, problem_of
from bots.enums import Channel
from bots.incidents.causes import cause_named, registered_causes
from bots.incidents.failures import in_words
from bots.incidents.notices import why_nobody_was_told
from bots.incidents.silences import end_silence, silence, silence_of
from bots.models import Bot, Incident, Notice
from core.console.actions import Question, button, confirmed
from core.console.badges import label
from core.console.base import ReadOnlyAdmin, ReadOnlyInline, actor_of, operator_of
from core.console.columns import column
from core.console.fieldsets import without
from core.console.filters import VisibleRelatedFilter, YesNoFilter, since
from core.console.rendering import EMPTY, actor, ago, problem_block, technical, when
from core.console.sentences import cause_and_cure, in_sentences


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


class CauseFilter(admin.SimpleListFilter):
    title = _("cause")
    parameter_name = "cause"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return [(cause.name, cause.label) for cause in registered_causes()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        return queryset.filter(cause=self.value()) if self.value() else queryset


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin[Incident]):
    list_display = ("cause_label", "affected", "is_open", "began", "over", "explanation")
    list_filter = (OpenFilter, CauseFilter, since("opened_at"), ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    sortable_by = ()
    inlines = (NoticeInline,)
    actions_detail = ("silence", "end_silence")
    change_form_before_template = "admin/bots/incident/repair.html"
    fields = (
        "affected",
        "is_open",
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
        return action == ("end_silence" if silence_of(row) else "silence")

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
