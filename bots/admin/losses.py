"""Lost connections in the console: when, why, and how long they had stood."""

from datetime import timedelta

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.admin.heartbeats import seconds
from bots.enums import PLANNED_LOSSES, LossReason
from bots.models import ConnectionLoss
from core.console.badges import label, state
from core.console.base import ReadOnlyAdmin
from core.console.columns import column
from core.console.filters import VisibleRelatedFilter, since
from core.console.rendering import EMPTY, ago, problem_block, technical, when
from feishu.codes import explain

LOSS_COLOURS = {reason: "" if reason in PLANNED_LOSSES else "warning" for reason in LossReason} | {
    LossReason.REFUSED: "danger",
    LossReason.ERROR: "danger",
}


@admin.register(ConnectionLoss)
class ConnectionLossAdmin(ReadOnlyAdmin[ConnectionLoss]):
    list_display = ("lost", "bot", "number", "reason_label", "open_for", "node", "problem")
    list_filter = ("reason", since("at"), "number", ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    sortable_by = ()
    search_fields = ("bot__app_id__exact",)
    search_help_text = _("App ID, in full")
    fields = ("lost_in_full", "bot", "number", "node", "reason_label", "open_for", "problem")
    readonly_fields = fields
    empty_title = _("No connection was lost")
    empty_text = _("When a connection ends, planned or not, it appears here with the cause, for 30 days.")

    @column(_("time"))
    def lost(self, loss: ConnectionLoss) -> str:
        return ago(loss.at)

    @column(_("time"))
    def lost_in_full(self, loss: ConnectionLoss) -> str:
        return when(loss.at)

    @column(_("cause"))
    def reason_label(self, loss: ConnectionLoss) -> str:
        return state(LossReason(loss.reason), LOSS_COLOURS)

    @column(_("was open for"))
    def open_for(self, loss: ConnectionLoss) -> str:
        if loss.lasted is None:
            return EMPTY
        if loss.lasted < 60:
            return seconds(loss.lasted)
        now = timezone.now()
        return timesince(now - timedelta(seconds=loss.lasted), now)

    @column(_("details"))
    def problem(self, loss: ConnectionLoss) -> str:
        if loss.reason == LossReason.REFUSED:
            return problem_block(explain(loss.code), said=loss.message)
        if loss.reason == LossReason.DIED:
            return gettext(
                "The process is silent. If it hangs, the platform still counts its connections and sends them a share of the "
                "events: stop it or restart it."
            )
        if loss.code is not None:
            return format_html(
                "{} {}", label(loss.code), technical(gettext("Technical details"), loss.message)
            )
        # A line that was cut says no more than the cause beside it.
        if loss.reason == LossReason.NETWORK or not loss.message:
            return EMPTY
        return technical(gettext("Technical details"), loss.message)
