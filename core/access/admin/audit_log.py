"""The page of the audit log."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.access.audit_actions import ACTIONS
from core.access.models import AuditEntry
from core.console.badges import label
from core.console.base import ReadOnlyAdmin
from core.console.columns import column
from core.console.filters import since
from core.console.rendering import actor, ago, identifier, json_block, when


class ActionFilter(admin.SimpleListFilter):
    """The actions that have a name; looking for those that occur would read the whole log."""

    title = _("action")
    parameter_name = "action"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return sorted(ACTIONS.items(), key=lambda item: str(item[1]))

    def queryset(self, _request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    list_display = ("time_ago", "actor_shown", "address_shown", "action_badge", "app_id_shown", "target")
    list_filter = (since("at"), ActionFilter)
    search_fields = ("app_id__exact", "target__exact", "actor__exact", "address__exact")
    search_help_text = _("App ID, target, actor or client address, in full")
    sortable_by = ()
    fields = (
        "time_in_full",
        "actor_shown",
        "address_shown",
        "action_badge",
        "app_id_shown",
        "target",
        "detail_shown",
    )
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
    def actor_shown(self, entry: AuditEntry) -> str:
        return actor(entry.actor)

    @column(_("client address"))
    def address_shown(self, entry: AuditEntry) -> str:
        return identifier(entry.address)

    @column(_("action"))
    def action_badge(self, entry: AuditEntry) -> str:
        return label(ACTIONS.get(entry.action, entry.action), "info")

    @column(_("App ID"))
    def app_id_shown(self, entry: AuditEntry) -> str:
        return identifier(entry.app_id)

    @column(_("detail"))
    def detail_shown(self, entry: AuditEntry) -> str:
        return json_block(entry.detail)
