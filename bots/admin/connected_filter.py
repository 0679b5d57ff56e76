"""The filter of lists of bots by whether they are connected."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bots.connections.status import connected_bots, unconnected_bots
from core.console.filters import refuse_unknown


class ConnectedFilter(admin.SimpleListFilter):
    """Among the bots that should hold a long connection."""

    title = _("connected")
    parameter_name = "connected"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No, but should be"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "yes":
                return queryset.filter(pk__in=connected_bots().values("pk"))
            case "no":
                return queryset.filter(pk__in=unconnected_bots().values("pk"))
            case unknown:
                refuse_unknown(unknown)
                return queryset
