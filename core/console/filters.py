"""Filters that show only rows the operator may see, and count none."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.console.base import operator_of

WINDOWS = {
    "1h": (timedelta(hours=1), _("Past hour")),
    "24h": (timedelta(hours=24), _("Past 24 hours")),
    "7d": (timedelta(days=7), _("Past 7 days")),
    "30d": (timedelta(days=30), _("Past 30 days")),
}


def refuse_unknown(value: str | None) -> None:
    """Raises IncorrectLookupParameters for a filter's value that is neither empty nor known: passed over, it would widen the
    list, and with it what an action on all that match reaches."""
    if value:
        raise IncorrectLookupParameters(value[:100])


def visible_choices(model: type[Model], request: HttpRequest) -> list[tuple[str, str]]:
    """Key and name of each row that the operator may see, without the rest of the row."""
    rows = cast("Any", model).objects.visible_to(operator_of(request))
    if any(column.name == "name" for column in model._meta.concrete_fields):
        rows = rows.only("name")
    return [(str(row.pk), str(row)) for row in rows]


class VisibleRelatedFilter(admin.RelatedFieldListFilter):
    """By a foreign key; offers the rows that the operator may see. There may be a thousand."""

    def field_choices(
        self, field: Any, request: HttpRequest, _model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, Any]]:
        return visible_choices(field.related_model, request)

    def choices(self, changelist: Any) -> Iterator[Any]:
        """As Django makes them, with the rest of the address made once and not for each row."""
        others = changelist.get_query_string(remove=[self.lookup_kwarg, self.lookup_kwarg_isnull])
        begin = f"{others}&" if len(others) > 1 else "?"
        chosen = set(self.lookup_val or ())
        is_any = not chosen and not self.lookup_val_isnull
        yield {"selected": is_any, "query_string": others, "display": gettext("All")}
        for key, name in self.lookup_choices:
            query = urlencode({self.lookup_kwarg: key})
            yield {"selected": key in chosen, "query_string": f"{begin}{query}", "display": name}
        if self.include_empty_choice:
            query = urlencode({self.lookup_kwarg_isnull: "True"})
            is_empty = bool(self.lookup_val_isnull)
            yield {
                "selected": is_empty,
                "query_string": f"{begin}{query}",
                "display": self.empty_value_display,
            }


class SinceFilter(admin.SimpleListFilter):
    """Rows younger than a choice of ages. Subclasses name the column."""

    title = _("time")
    parameter_name = "since"
    column: str

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [(key, words) for key, (_age, words) in WINDOWS.items()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        chosen = WINDOWS.get(self.value() or "")
        if chosen is None:
            refuse_unknown(self.value())
            return queryset
        return queryset.filter(**{f"{self.column}__gte": timezone.now() - chosen[0]})


def since(column: str) -> type[SinceFilter]:
    """The age filter for ``column``."""
    return type("ColumnSinceFilter", (SinceFilter,), {"column": column})


class YesNoFilter(admin.SimpleListFilter):
    """Rows that meet a condition, or do not. Subclasses have title, parameter_name and condition."""

    condition: Q

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        match self.value():
            case "yes":
                return queryset.filter(self.condition)
            case "no":
                return queryset.exclude(self.condition)
            case unknown:
                refuse_unknown(unknown)
                return queryset
