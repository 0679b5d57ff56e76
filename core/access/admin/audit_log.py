"""The audit log: who did what, to read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.access.models import AuditEntry
from core.console.badges import label
from core.console.base import ReadOnlyAdmin
from core.console.columns import column
from core.console.filters import since
from core.console.rendering import actor, ago, identifier, json_block, when

# What the domain writes down, in words; an action that is not here shows as it is written.
ACTIONS = {
    "bot.created": _("Bot added"),
    "bot.updated": _("Bot changed"),
    "bot.enabled": _("Bot switched on"),
    "bot.disabled": _("Bot switched off"),
    "bot.deleted": _("Bot deleted"),
    "bot.brand_switched": _("Brand of a bot switched"),
    "bot.connect": _("Connections asked for"),
    "bot.disconnect": _("Connections let go"),
    "auth_session.created": _("Authorization asked for"),
    "auth_session.authorized": _("Authorization given"),
    "auth_session.denied": _("Authorization declined"),
    "auth_session.expired": _("Authorization request expired"),
    "auth_session.failed": _("Authorization failed"),
    "auth_session.cancelled": _("Authorization request cancelled"),
    "user_token.needs_reauth": _("Token must be authorized again"),
    "bot.refresh_paused": _("Refreshing paused: the platform refuses the app"),
    "bot.refresh_resumed": _("Refreshing goes on"),
    "bot.refresh_probed": _("Refreshing to be probed"),
    "keys.rotated": _("Secrets re-encrypted"),
    "user_token.revoked": _("Authorization revoked"),
    "user_token.revocation_given_up": _("Platform could not be told of a revocation"),
    "replay.started": _("Replay asked for"),
    "replay.cancelled": _("Replay cancelled"),
    "events.pruned": _("Old events deleted"),
    "handler.switched_on": _("Handler switched on"),
    "handler.switched_off": _("Handler switched off"),
    "api_client.created": _("API client added"),
    "api_client.updated": _("API client changed"),
    "api_client.key_replaced": _("API key replaced"),
    "api_client.deleted": _("API client deleted"),
    "operator.created": _("Operator added"),
    "operator.updated": _("Operator changed"),
    "operator.password_set": _("Password of an operator set"),
    "operator.deleted": _("Operator deleted"),
}


class ActionFilter(admin.SimpleListFilter):
    """The known actions, not those that occur: finding those would read the whole log."""

    title = _("action")
    parameter_name = "action"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return list(ACTIONS.items())

    def queryset(self, _request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    list_display = ("time_ago", "who", "what", "app_id_shown", "target")
    list_filter = (since("at"), ActionFilter)
    search_fields = ("app_id__exact", "target__exact", "actor__exact")
    search_help_text = _("App ID, target or actor, in full")
    sortable_by = ()
    fields = ("time_in_full", "who", "what", "app_id_shown", "target", "detail_shown")
    readonly_fields = fields
    empty_title = _("Nothing was done yet")
    empty_text = _("Every change an operator, an API client or a user makes is written down here.")

    @column(_("time"), ordering="id")
    def time_ago(self, entry: AuditEntry) -> str:
        return ago(entry.at)

    @column(_("time"))
    def time_in_full(self, entry: AuditEntry) -> str:
        return when(entry.at)

    @column(_("actor"))
    def who(self, entry: AuditEntry) -> str:
        return actor(entry.actor)

    @column(_("action"))
    def what(self, entry: AuditEntry) -> str:
        return label(ACTIONS.get(entry.action, entry.action), "info")

    @column(_("App ID"))
    def app_id_shown(self, entry: AuditEntry) -> str:
        return identifier(entry.app_id)

    @column(_("detail"))
    def detail_shown(self, entry: AuditEntry) -> str:
        return json_block(entry.detail)
