"""The filters of the event log. A filter only adds its part to the criteria; the search applies them, within its bounds."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from bots.models import Bot
from core.console.base import operator_of
from core.console.filters import WINDOWS
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

    @abstractmethod
    def narrowed(self, criteria: EventCriteria) -> EventCriteria:
        """``criteria`` with the chosen value; unchanged where none was chosen, or an unknown one."""

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
        return [(str(bot.pk), str(bot)) for bot in Bot.objects.visible_to(operator_of(request))]

    def narrowed(self, criteria: EventCriteria) -> EventCriteria:
        try:
            bot = UUID(self.value() or "")
        except ValueError:
            return criteria
        return criteria.of_bot(bot)


class StatusFilter(EventFilter):
    title = _("status")
    parameter_name = "status__exact"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return list(EventStatus.choices)

    def narrowed(self, criteria: EventCriteria) -> EventCriteria:
        known = self.value() in EventStatus.values
        return replace(criteria, statuses=(str(self.value()),)) if known else criteria


class ArrivalFilter(EventFilter):
    title = _("arrived by")
    parameter_name = "arrived_by__exact"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return list(Arrived.choices)

    def narrowed(self, criteria: EventCriteria) -> EventCriteria:
        known = self.value() in Arrived.values
        return replace(criteria, arrived_by=str(self.value())) if known else criteria


class TypeFilter(TypedFilter):
    title = _("type")
    parameter_name = "event_type__exact"

    def narrowed(self, criteria: EventCriteria) -> EventCriteria:
        return replace(criteria, event_type=storable((self.value() or "").strip(), MAX_TEXT))


class SinceFilter(EventFilter):
    title = _("time")
    parameter_name = "since"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return [(key, words) for key, (_age, words) in WINDOWS.items()]

    def narrowed(self, criteria: EventCriteria) -> EventCriteria:
        chosen = WINDOWS.get(self.value() or "")
        return replace(criteria, since=timezone.now() - chosen[0]) if chosen else criteria


class MomentFilter(TypedFilter):
    """A moment in the portal's time zone."""

    input_type = "datetime-local"

    def moment(self) -> datetime | None:
        try:
            moment = parse_datetime(self.value() or "")
        except ValueError:
            return None
        return timezone.make_aware(moment) if moment and timezone.is_naive(moment) else moment


class FromFilter(MomentFilter):
    title = _("from")
    parameter_name = "from"

    def narrowed(self, criteria: EventCriteria) -> EventCriteria:
        moment = self.moment()
        return replace(criteria, since=max(filter(None, (moment, criteria.since)))) if moment else criteria


class UntilFilter(MomentFilter):
    title = _("until")
    parameter_name = "until"

    def narrowed(self, criteria: EventCriteria) -> EventCriteria:
        moment = self.moment()
        return replace(criteria, until=moment) if moment else criteria


class FailedHandlerFilter(TypedFilter):
    """Reached from the dead letters, and shown while it is chosen."""

    title = _("failed handler")
    parameter_name = "handler"

    def has_output(self) -> bool:
        return bool(self.value())

    def narrowed(self, criteria: EventCriteria) -> EventCriteria:
        return replace(criteria, handler=storable((self.value() or "").strip(), MAX_TEXT))


class FailedReceiverFilter(TypedFilter):
    """A subscription by its ID. Reached from the dead letters, and shown while it is chosen."""

    title = _("failed subscription")
    parameter_name = "subscription"

    def has_output(self) -> bool:
        return bool(self.value())

    def narrowed(self, criteria: EventCriteria) -> EventCriteria:
        try:
            return replace(criteria, subscription=str(UUID(self.value() or "")))
        except ValueError:
            return criteria


class FailureFilter(TypedFilter):
    """Failures of one kind, by their fingerprint."""

    title = _("kind of failure")
    parameter_name = "kind"

    def has_output(self) -> bool:
        return bool(self.value())

    def narrowed(self, criteria: EventCriteria) -> EventCriteria:
        return replace(criteria, fingerprint=storable((self.value() or "").strip(), 16))


class SelectionFilter(TypedFilter):
    """Events named one by one, such as those ticked in the list."""

    title = _("chosen events")
    parameter_name = "pk"

    def has_output(self) -> bool:
        return bool(self.value())

    def narrowed(self, criteria: EventCriteria) -> EventCriteria:
        if not self.value():
            return criteria
        named = [part for part in (self.value() or "").split(",") if part.isdecimal() and len(part) < 19]
        return replace(criteria, pks=tuple(int(part) for part in named[:MAX_SELECTED]))


FILTERS = (
    SinceFilter, StatusFilter, TypeFilter, ArrivalFilter, BotFilter, FromFilter, UntilFilter, FailedHandlerFilter,
    FailedReceiverFilter, FailureFilter, SelectionFilter,
)  # fmt: skip
