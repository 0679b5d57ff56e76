"""Groups of alerts, to read and to acknowledge: what fires, since when, who takes care of it, and whether the chat has its card."""

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.console.actions import Question, button, confirmed
from core.console.badges import label, state
from core.console.base import ReadOnlyAdmin, actor_of
from core.console.columns import column
from core.console.filters import VisibleRelatedFilter, since
from core.console.rendering import EMPTY, actor, ago, identifier, json_block, when
from feishu_portal.alerts.enums import GroupState
from feishu_portal.alerts.groups import acknowledge
from feishu_portal.alerts.models import AlertGroup

STATE_COLOURS = {GroupState.FIRING: "danger", GroupState.RESOLVED: "success"}


@admin.register(AlertGroup)
class AlertGroupAdmin(ReadOnlyAdmin[AlertGroup]):
    list_display = ("title", "state_label", "firing_shown", "receiver", "began", "acknowledged", "card")
    list_filter = ("state", since("opened_at"), ("bot", VisibleRelatedFilter))
    list_select_related = ("receiver",)
    deferred_in_lists = ("content",)
    sortable_by = ()
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "title",
                    "state_label",
                    "firing_shown",
                    "receiver_name",
                    "began_in_full",
                    "heard",
                    "over",
                )
            },
        ),
        (_("Handling"), {"fields": ("acknowledged_in_full", "silenced", "silence")}),
        (_("Card"), {"fields": ("card", "message", "card_problem")}),
        (_("Alerts"), {"fields": ("alerts",)}),
    )
    readonly_fields = (
        "title", "state_label", "firing_shown", "receiver_name", "began_in_full", "heard", "over", "acknowledged_in_full",
        "silenced", "silence", "card", "message", "card_problem", "alerts",
    )  # fmt: skip
    actions_row = ("acknowledge",)
    actions_detail = ("acknowledge",)
    empty_title = _("No alerts yet")
    empty_text = _("What Alertmanager sends to an alert receiver appears here and in the receiver's chat.")

    @column(_("state"))
    def state_label(self, group: AlertGroup) -> str:
        return state(GroupState(group.state), STATE_COLOURS)

    @column(_("firing alerts"))
    def firing_shown(self, group: AlertGroup) -> str:
        return str(group.firing) if group.firing else EMPTY

    @column(_("alert receiver"))
    def receiver_name(self, group: AlertGroup) -> str:
        return group.receiver.name

    @column(_("began"))
    def began(self, group: AlertGroup) -> str:
        return ago(group.opened_at)

    @column(_("began"))
    def began_in_full(self, group: AlertGroup) -> str:
        return when(group.opened_at)

    @column(_("last reported"))
    def heard(self, group: AlertGroup) -> str:
        return when(group.heard_at)

    @column(_("over"))
    def over(self, group: AlertGroup) -> str:
        return when(group.closed_at)

    @column(_("acknowledged by"))
    def acknowledged(self, group: AlertGroup) -> str:
        return actor(group.acknowledged_by) if group.acknowledged_by else EMPTY

    @column(_("acknowledged"))
    def acknowledged_in_full(self, group: AlertGroup) -> str:
        who = self.acknowledged(group)
        return format_html("{} · {}", who, when(group.acknowledged_at)) if group.acknowledged_at else who

    @column(_("silenced until"))
    def silenced(self, group: AlertGroup) -> str:
        return when(group.silenced_until)

    @column(_("silenced by"))
    def silence(self, group: AlertGroup) -> str:
        return actor(group.silenced_by) if group.silenced_by else EMPTY

    @column(_("card"))
    def card(self, group: AlertGroup) -> str:
        if group.card_shows >= group.version:
            return label(_("Up to date"), "success")
        if group.card_given_up:
            return label(_("Cannot be shown"), "danger")
        return label(_("Being updated") if group.message_id else _("Being sent"), "warning")

    @column(_("card message"))
    def message(self, group: AlertGroup) -> str:
        return identifier(group.message_id)

    @column(_("error"))
    def card_problem(self, group: AlertGroup) -> str:
        return group.card_error or EMPTY

    @column(_("alerts"))
    def alerts(self, group: AlertGroup) -> str:
        return json_block(group.content)

    def fits(self, action: str, row: AlertGroup) -> bool:  # noqa: ARG002 -- there is one
        """To acknowledge where that is still to be done."""
        return row.is_firing and row.acknowledged_at is None

    @button(_("Acknowledge"), icon="done", path="acknowledge", colour="primary")
    @confirmed(
        Question(
            title=_("Acknowledge"),
            text=_("The card in the chat says that you take care of it."),
            submit=_("Acknowledge"),
        )
    )
    def acknowledge(self, request: HttpRequest, group: AlertGroup) -> None:
        if acknowledge(group, actor=actor_of(request)):
            self.message_user(request, gettext("The alerts are acknowledged."), messages.SUCCESS)
        else:
            self.message_user(request, gettext("Somebody did before, or it is over."), messages.WARNING)
