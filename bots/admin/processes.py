"""The processes of the installation in the console: how each is, and what nobody does. For administrators alone."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bots.enums import ProcessHealth, ProcessPart, ProcessRole
from bots.incidents.causes import Details
from bots.incidents.fleet import CAUSES
from bots.models import FleetProcess
from bots.processes.roles import missing_roles, recent_processes
from core.console.badges import label, state
from core.console.base import ReadOnlyAdmin
from core.console.columns import column
from core.console.rendering import EMPTY, ago, when
from core.console.sentences import cause_and_cure

COLOURS: Final = {
    ProcessHealth.WORKING: "success",
    ProcessHealth.STALLED: "danger",
    ProcessHealth.SILENT: "danger",
    ProcessHealth.STOPPED: "",
}


@admin.register(FleetProcess)
class FleetProcessAdmin(ReadOnlyAdmin[FleetProcess]):
    list_display = ("name", "kind", "health_label", "heard", "passed", "since", "version", "does")
    list_display_links = ("name",)
    list_before_template = "admin/bots/fleetprocess/above_list.html"
    list_filter = ("kind",)
    ordering = ("kind", "name", "pk")
    sortable_by = ()
    fields = (
        "name", "kind", "health_label", "does", "still", "heard_in_full", "passed_in_full", "since_in_full", "version",
        "host", "pid",
    )  # fmt: skip
    readonly_fields = fields
    empty_title = _("No process has been heard of")
    empty_text = _(
        "Every process of the portal says here every few seconds that it lives, and is forgotten an hour after it last did."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[FleetProcess]:
        rows: Any = super().get_queryset(request)
        return rows.with_age()  # type: ignore[no-any-return]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        running = [
            one for one in recent_processes() if one.health in {ProcessHealth.WORKING, ProcessHealth.STALLED}
        ]
        said = {
            "missing": [
                (CAUSES[one.role].label, cause_and_cure(CAUSES[one.role].explain(Details())))
                for one in missing_roles(watched_seconds=0)
            ],
            "versions": sorted({one.version for one in running if one.version}),
        }
        return super().changelist_view(request, said | (extra_context or {}))

    @column(_("health"))
    def health_label(self, process: FleetProcess) -> str:
        return state(process.health, COLOURS)

    @column(_("last heartbeat"))
    def heard(self, process: FleetProcess) -> str:
        return ago(process.seen_at)

    @column(_("last heartbeat"))
    def heard_in_full(self, process: FleetProcess) -> str:
        return when(process.seen_at)

    @column(_("last pass"))
    def passed(self, process: FleetProcess) -> str:
        return ago(process.worked_at)

    @column(_("last pass"))
    def passed_in_full(self, process: FleetProcess) -> str:
        return when(process.worked_at)

    @column(_("started"))
    def since(self, process: FleetProcess) -> str:
        return ago(process.started_at)

    @column(_("started"))
    def since_in_full(self, process: FleetProcess) -> str:
        return when(process.started_at)

    @column(_("does"))
    def does(self, process: FleetProcess) -> str:
        return _list([str(role.label) for role in ProcessRole if role in process.roles])

    @column(_("stands still"))
    def still(self, process: FleetProcess) -> str:
        parts = _list([str(part.label) for part in ProcessPart if part in process.stalled])
        return parts if parts == EMPTY else label(parts, "danger")


def _list(words: Sequence[str]) -> str:
    return " · ".join(words) or EMPTY
