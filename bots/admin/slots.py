"""Connections in the console, by themselves and beneath their bot."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bots.admin.heartbeats import losses_link, rhythm, rhythm_in_full
from bots.connections.losses import with_losses
from bots.enums import SlotState, Transport
from bots.models import Bot, ConnectionSlot
from bots.models.connections import UNSTEADY
from core.console.badges import state
from core.console.base import ReadOnlyAdmin, ReadOnlyInline
from core.console.columns import column
from core.console.filters import VisibleRelatedFilter, YesNoFilter
from core.console.rendering import EMPTY, ago, problem_block, when

STATE_COLOURS = {
    SlotState.CONNECTED: "success",
    SlotState.CONNECTING: "info",
    SlotState.BACKOFF: "warning",
    SlotState.ERROR: "danger",
}


class SlotInline(ReadOnlyInline[ConnectionSlot, Bot]):
    model = ConnectionSlot
    fields = ("number", "state_label", "node", "since", "last_frame", "rhythm", "losses", "problem")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConnectionSlot]:
        return with_losses(super().get_queryset(request))

    @column(_("state"))
    def state_label(self, slot: ConnectionSlot) -> str:
        return state(SlotState(slot.state), STATE_COLOURS)

    @column(_("state since"))
    def since(self, slot: ConnectionSlot) -> str:
        return ago(slot.since)

    @column(_("last received"))
    def last_frame(self, slot: ConnectionSlot) -> str:
        return ago(slot.last_frame_at)

    @column(_("heartbeat"))
    def rhythm(self, slot: ConnectionSlot) -> str:
        return rhythm(slot)

    @column(_("losses in 24 h"))
    def losses(self, slot: Any) -> str:
        return losses_link(slot, slot.losses_of_a_day)

    @column(_("error"))
    def problem(self, slot: ConnectionSlot) -> str:
        return problem_block(slot.problem, said=slot.error_message)


class UnsteadyFilter(YesNoFilter):
    title = _("unsteady heartbeats")
    parameter_name = "unsteady"
    condition = Q(heartbeat_deviation__gt=UNSTEADY)


@admin.register(ConnectionSlot)
class ConnectionSlotAdmin(ReadOnlyAdmin[ConnectionSlot]):
    list_display = ("bot", "number", "state_label", "node", "last_frame", "rhythm", "losses", "problem")
    list_filter = ("state", UnsteadyFilter, ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    search_fields = ("bot__name", "bot__app_id", "node")
    search_help_text = _("Bot, App ID or process")
    fields = (
        "bot", "number", "state_label", "node", "connected", "frame_in_full", "event_in_full", "heartbeat",
        "rhythm_in_full", "since_in_full", "reconnects", "losses", "problem", "problem_at", "next_attempt",
    )  # fmt: skip
    readonly_fields = fields
    empty_title = _("No connections")
    empty_text = _(
        "Every bot whose events arrive by long connection has its connections here, once it is added."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConnectionSlot]:
        return with_losses(super().get_queryset(request).filter(bot__in=Bot.objects.by(Transport.WEBSOCKET)))

    @column(_("state"), ordering="state")
    def state_label(self, slot: ConnectionSlot) -> str:
        return state(SlotState(slot.state), STATE_COLOURS)

    @column(_("last received"), ordering="last_frame_at")
    def last_frame(self, slot: ConnectionSlot) -> str:
        return ago(slot.last_frame_at)

    @column(_("state since"))
    def since_in_full(self, slot: ConnectionSlot) -> str:
        return when(slot.since)

    @column(_("last received"))
    def frame_in_full(self, slot: ConnectionSlot) -> str:
        return when(slot.last_frame_at)

    @column(_("last event"))
    def event_in_full(self, slot: ConnectionSlot) -> str:
        return when(slot.last_message_at)

    @column(_("heartbeat"), ordering="heartbeat_deviation")
    def rhythm(self, slot: ConnectionSlot) -> str:
        return rhythm(slot)

    @column(_("heartbeat"))
    def rhythm_in_full(self, slot: ConnectionSlot) -> str:
        return rhythm_in_full(slot)

    @column(_("losses in 24 h"))
    def losses(self, slot: Any) -> str:
        return losses_link(slot, slot.losses_of_a_day)

    @column(_("last heartbeat"))
    def heartbeat(self, slot: ConnectionSlot) -> str:
        return when(slot.last_heartbeat_at)

    @column(_("connected since"))
    def connected(self, slot: ConnectionSlot) -> str:
        return when(slot.connected_at)

    @column(_("error"))
    def problem(self, slot: ConnectionSlot) -> str:
        return problem_block(slot.problem, said=slot.error_message)

    @column(_("next attempt"))
    def next_attempt(self, slot: ConnectionSlot) -> str:
        is_waiting = slot.state in {SlotState.BACKOFF, SlotState.ERROR}
        return when(slot.next_attempt_at) if is_waiting else EMPTY

    @column(_("error at"))
    def problem_at(self, slot: ConnectionSlot) -> str:
        return when(slot.error_at)
