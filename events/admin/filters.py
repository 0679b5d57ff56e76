"""The filters of the event log. A filter only adds its part to the criteria; the search applies them, within its bounds."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from bots.models import Bot
from core.console.filters import WINDOWS, linked, visible_choices
from core.database.text import storable
from events.enums import Arrived, EventStatus
from events.log.criteria import EventCriteria
from events.log.replay import MAX_SELECTED
from events.models import Event

if TYPE_CHECKING:
    TextInput = forms.TextInput
else:
    TextInput = UnfoldAdminTextInputWidget

MAX_TEXT = 200  # characters of a type, a handler


class EventFilter(admin.SimpleListFilter, ABC):
    """One part of the criteria."""

    def narrowed(self, criteria: EventCriteria) -> EventCriteria:
        """``criteria`` with the chosen value; unchanged where none was chosen. Raises IncorrectLookupParameters for one that
        cannot be read: passed over, it would widen a replay of all that match."""
        value = (self.value() or "").strip()
        found = self.with_value(criteria, value) if value else criteria
        if found is None:
            raise IncorrectLookupParameters(value[:MAX_TEXT])
        return found

    @abstractmethod
    def with_value(self, criteria: EventCriteria, value: str) -> EventCriteria | None:
        """``criteria`` with this value, which is not empty; None where it is none."""

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        return queryset


class TypedFilter(EventFilter):
    """A filter with a text field."""

    template = "unfold/filters/filters_field.html"
    input_type = "text"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return []

    def has_output(self) -> bool:
        return True

    def choices(self, _changelist: Any) -> Iterator[Any]:
        name = cast("str", self.parameter_name)
        form = forms.Form({name: self.value()})
        form.fields[name] = forms.CharField(
            label=self.title, required=False, widget=TextInput({"type": self.input_type})
        )
        yield {"form": form}


class BotFilter(EventFilter):
    title = _("bot")
    parameter_name = "bot__id__exact"

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return cast("list[tuple[str, Any]]", visible_choices(Bot, request))

    def choices(self, changelist: Any) -> Iterator[Any]:
        others, chosen = changelist.get_query_string(remove=self.expected_parameters()), self.value()
        yield {"selected": chosen is None, "query_string": others, "display": gettext("All")}
        yield from linked(others, self.parameter_name, self.lookup_choices, {chosen} if chosen else ())

    def with_value(self, criteria: EventCriteria, value: str) -> EventCriteria | None:
        bot = _uuid(value)
        return criteria.of_bot(bot) if bot else None


class StatusFilter(EventFilter):
    title = _("status")
    parameter_name = "status__exact"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return list(EventStatus.choices)

    def with_value(self, criteria: EventCriteria, value: str) -> EventCriteria | None:
        return replace(criteria, statuses=(value,)) if value in EventStatus.values else None


class ArrivalFilter(EventFilter):
    title = _("arrived by")
    parameter_name = "arrived_by__exact"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return list(Arrived.choices)

    def with_value(self, criteria: EventCriteria, value: str) -> EventCriteria | None:
        return replace(criteria, arrived_by=value) if value in Arrived.values else None


class TypeFilter(TypedFilter):
    title = _("type")
    parameter_name = "event_type__exact"

    def with_value(self, criteria: EventCriteria, value: str) -> EventCriteria:
        return replace(criteria, event_type=storable(value, MAX_TEXT))


class SinceFilter(EventFilter):
    title = _("time")
    parameter_name = "since"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return [(key, words) for key, (_age, words) in WINDOWS.items()]

    def with_value(self, criteria: EventCriteria, value: str) -> EventCriteria | None:
        chosen = WINDOWS.get(value)
        return replace(criteria, since=timezone.now() - chosen[0]) if chosen else None


class MomentFilter(TypedFilter):
    """A moment in the portal's time zone."""

    input_type = "datetime-local"

    @staticmethod
    def moment(value: str) -> datetime | None:
        """None for a text that is none."""
        try:
            moment = parse_datetime(value)
        except ValueError:
            return None
        return timezone.make_aware(moment) if moment and timezone.is_naive(moment) else moment


class FromFilter(MomentFilter):
    title = _("from")
    parameter_name = "from"

    def with_value(self, criteria: EventCriteria, value: str) -> EventCriteria | None:
        moment = self.moment(value)
        return replace(criteria, since=max(filter(None, (moment, criteria.since)))) if moment else None


class UntilFilter(MomentFilter):
    title = _("until")
    parameter_name = "until"

    def with_value(self, criteria: EventCriteria, value: str) -> EventCriteria | None:
        moment = self.moment(value)
        return replace(criteria, until=moment) if moment else None


class FailedHandlerFilter(TypedFilter):
    """Reached from the dead letters, and shown while it is chosen."""

    title = _("failed handler")
    parameter_name = "handler"

    def has_output(self) -> bool:
        return bool(self.value())

    def with_value(self, criteria: EventCriteria, value: str) -> EventCriteria:
        return replace(criteria, handler=storable(value, MAX_TEXT))


class FailedReceiverFilter(TypedFilter):
    """A subscription by its ID. Reached from the dead letters, and shown while it is chosen."""

    title = _("failed subscription")
    parameter_name = "subscription"

    def has_output(self) -> bool:
        return bool(self.value())

    def with_value(self, criteria: EventCriteria, value: str) -> EventCriteria | None:
        subscription = _uuid(value)
        return replace(criteria, subscription=str(subscription)) if subscription else None


class FailureFilter(TypedFilter):
    """Failures of one kind, by their fingerprint."""

    title = _("kind of failure")
    parameter_name = "kind"

    def has_output(self) -> bool:
        return bool(self.value())

    def with_value(self, criteria: EventCriteria, value: str) -> EventCriteria:
        return replace(criteria, fingerprint=storable(value, 16))


class SelectionFilter(TypedFilter):
    """Events named one by one, such as those ticked in the list."""

    title = _("chosen events")
    parameter_name = "pk"

    def has_output(self) -> bool:
        return bool(self.value())

    def with_value(self, criteria: EventCriteria, value: str) -> EventCriteria | None:
        named = value.split(",")
        if not all(part.isascii() and part.isdecimal() and len(part) < 19 for part in named):
            return None
        return replace(criteria, pks=tuple(int(part) for part in named[:MAX_SELECTED]))


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


FILTERS = (
    SinceFilter, StatusFilter, TypeFilter, ArrivalFilter, BotFilter, FromFilter, UntilFilter, FailedHandlerFilter,
    FailedReceiverFilter, FailureFilter, SelectionFilter,
)  # fmt: skip
