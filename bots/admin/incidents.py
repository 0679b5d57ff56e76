"""Incidents in the console: what needs or needed a person, and who was told."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from bots.enums import Channel, IncidentCause
from bots.incidents.words import cause_and_cure, headline, in_sentences
from bots.models import Bot, Incident, Notice
from core.console.base import MachineWritten, MachineWrittenInline
from core.console.columns import EMPTY, ago, column, label, state, when
from core.console.filters import VisibleRelatedFilter, YesNoFilter, since

CAUSE_COLOURS = {
    IncidentCause.CONFIGURATION: "danger",
    IncidentCause.NOT_CONNECTED: "danger",
    IncidentCause.FOREIGN: "warning",
    IncidentCause.REFRESH: "danger",
    IncidentCause.DELIVERIES: "warning",
}


# By address: what is no bot lives in rooms above, which this one does not know.
_PAGES = {IncidentCause.DELIVERIES: "admin:events_subscription_change"}


class NoticeInline(MachineWrittenInline[Notice, Incident]):
    model = Notice
    fields = ("operator", "channel_label", "began_told", "over_told", "problem")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notice]:
        return super().get_queryset(request).select_related("user")

    @column(_("operator"))
    def operator(self, notice: Notice) -> str:
        return str(notice.user)

    @column(_("channel"))
    def channel_label(self, notice: Notice) -> str:
        return label(Channel(notice.channel).label)

    @column(_("told of it"))
    def began_told(self, notice: Notice) -> str:
        return ago(notice.began_told_at)

    @column(_("told that it is over"))
    def over_told(self, notice: Notice) -> str:
        return ago(notice.over_told_at)

    @column(_("error"))
    def problem(self, notice: Notice) -> str:
        return notice.error or EMPTY


class OpenFilter(YesNoFilter):
    title = _("open")
    parameter_name = "open"
    condition = Q(closed_at=None)


@admin.register(Incident)
class IncidentAdmin(MachineWritten[Incident]):
    list_display = ("cause_label", "about", "standing", "began", "over", "explanation")
    list_filter = (OpenFilter, "cause", since("opened_at"), ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    sortable_by = ()
    inlines = (NoticeInline,)
    fields = (
        "cause_label",
        "about",
        "standing",
        "began_in_full",
        "noticed_in_full",
        "over_in_full",
        "explanation",
    )
    readonly_fields = fields
    empty_title = _("No incidents")
    empty_text = _(
        "When something needs a person, because a bot cannot connect or is refused, because another program takes its "
        "events or a receiver takes none, that appears here, and the owners are told by e-mail or Feishu message."
    )

    @column(_("cause"))
    def cause_label(self, incident: Incident) -> str:
        return state(IncidentCause(incident.cause), CAUSE_COLOURS)

    @column(_("subject"))
    def about(self, incident: Incident) -> str:
        page = reverse(
            _PAGES.get(IncidentCause(incident.cause), "admin:bots_bot_change"), args=[incident.about_id]
        )
        return format_html('<a href="{}">{}</a>', page, incident.about)

    @column(_("state"))
    def standing(self, incident: Incident) -> str:
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
        cause, cure = cause_and_cure(incident)
        code = (
            format_html(' <code class="portal-id">{}</code>', incident.code)
            if incident.code is not None
            else ""
        )
        return format_html(
            '<div class="portal-error"><div class="portal-cause">{}{}</div><div class="portal-cure">{}</div></div>',
            cause,
            code,
            cure or EMPTY,
        )


def open_incidents(bot: Bot) -> list[str]:
    """What needs a person now, each with cause and cure, for the top of the bot's page."""
    incidents = bot.incidents.open().select_related("bot").order_by("pk")
    return [in_sentences(headline(incident), *cause_and_cure(incident)) for incident in incidents]
