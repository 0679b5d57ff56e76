"""Filters that show only rows the operator may see, and count none."""

from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from typing import Any, cast
from urllib.parse import quote_plus

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
    """Key and name of each row that the operator may see, without the rest of the row where ``name`` is a column."""
    rows = cast("Any", model).objects.visible_to(operator_of(request))
    if any(column.name == "name" for column in model._meta.concrete_fields):
        return [(str(key), name) for key, name in rows.values_list("pk", "name")]
    return [(str(row.pk), str(row)) for row in rows]


def linked(
    others: str, parameter: str, named: Iterable[tuple[str, Any]], chosen: Collection[str]
) -> Iterator[dict[str, Any]]:
    """What a filter's template is told of values of ``parameter`` and their names. ``others`` is the address of the list without
    the filter: made once, and not for each of a thousand."""
    begin = f"{others}&" if len(others) > 1 else "?"
    begin += urlencode({parameter: ""})
    for value, name in named:
        yield {"selected": value in chosen, "query_string": f"{begin}{quote_plus(value)}", "display": name}


class VisibleRelatedFilter(admin.RelatedFieldListFilter):
    """By a foreign key; offers the rows that the operator may see. There may be a thousand."""

    def field_choices(
        self, field: Any, request: HttpRequest, _model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, Any]]:
        return visible_choices(field.related_model, request)

    def choices(self, changelist: Any) -> Iterator[Any]:
        others = changelist.get_query_string(remove=self.expected_parameters())
        chosen = set(self.lookup_val or ())
        is_any = not chosen and not self.lookup_val_isnull
        yield {"selected": is_any, "query_string": others, "display": gettext("All")}
        yield from linked(others, self.lookup_kwarg, self.lookup_choices, chosen)
        if self.include_empty_choice:
            empty = {"True"} if self.lookup_val_isnull else set()
            yield from linked(others, self.lookup_kwarg_isnull, [("True", self.empty_value_display)], empty)


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
