"""The audit log: who did what, to read."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from feishu_portal.access.admin.base import MachineWritten, is_staff, operator_of
from feishu_portal.access.admin.columns import ago, column, identifier, label, when
from feishu_portal.access.admin.filters import since
from feishu_portal.access.admin.json_text import json_block
from feishu_portal.access.models import AuditEntry

KINDS = {
    "operator": _("Operator"),
    "api": _("API client"),
    "user": _("User"),
    "command": _("Command"),
    "system": _("Portal"),
}


@admin.register(AuditEntry)
class AuditEntryAdmin(MachineWritten[AuditEntry]):
    list_display = ("time", "who", "what", "app_id_shown", "target")
    list_filter = (since("at"), "action")
    search_fields = ("app_id__exact", "target__exact", "actor__exact")
    search_help_text = _("App ID, target or actor, in full")
    sortable_by = ()
    fields = ("time_in_full", "who", "what", "app_id_shown", "target", "detail_shown")
    readonly_fields = fields
    empty_title = _("Nothing was done yet")
    empty_text = _("Every change an operator, an API client or a user makes is written down here.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """An owner sees what was done to the own bots; the rest is for superusers."""
        rows = super().get_queryset(request)
        user = operator_of(request)
        if user.is_superuser:
            return rows
        return rows.filter(app_id__in=user.bots.values("app_id"))

    def _may_open(self, request: HttpRequest) -> bool:
        return is_staff(request)

    @column(_("time"), ordering="id")
    def time(self, entry: AuditEntry) -> str:
        return ago(entry.at)

    @column(_("time"))
    def time_in_full(self, entry: AuditEntry) -> str:
        return when(entry.at)

    @column(_("actor"))
    def who(self, entry: AuditEntry) -> str:
        kind, _colon, name = entry.actor.partition(":")
        return f"{KINDS.get(kind, kind)} · {name}" if name else str(KINDS.get(kind, kind))

    @column(_("action"))
    def what(self, entry: AuditEntry) -> str:
        return label(entry.action, "info")

    @column(_("App ID"))
    def app_id_shown(self, entry: AuditEntry) -> str:
        return identifier(entry.app_id)

    @column(_("detail"))
    def detail_shown(self, entry: AuditEntry) -> str:
        return json_block(entry.detail)
