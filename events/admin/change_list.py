"""The event log's list: pages by key instead of by number, and a search that says how far back it went."""

from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext

from bots.models import own_bot_ids
from core.console.base import operator_of
from core.console.change_list import ConsoleChangeList
from events.admin.filters import EventFilter
from events.admin.list_cells import read_cells
from events.errors import SearchTooSlowError, TooManySearchesError
from events.log.criteria import EventCriteria
from events.log.search import SearchPage, newest, resolve
from events.models import Event

BEFORE = "before"
"""The parameter of the address that names the last event of the page before."""
NO_RESULTS = SearchPage([], None, is_cut=False)


def search_problem(error: SearchTooSlowError) -> str:
    """The error as an operator is told of it."""
    if isinstance(error, TooManySearchesError):
        return gettext("Too many searches are running. Try again in a moment.")
    return gettext("The search took too long. Narrow the time or the filters.")


class KeysetPaginator:
    """As much of a paginator as the templates of a list ask for."""

    template_name = "admin/events/event/pages.html"
    per_page = 0
    num_pages = 1


class EventChangeList(ConsoleChangeList):
    """``criteria``: the filters and the search in the address, within what the operator may see."""

    criteria: EventCriteria
    found: SearchPage

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        lookups: dict[str, Any] = super().get_filters_params(params)
        lookups.pop(BEFORE, None)
        return lookups

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Event]:
        rows = super().get_queryset(request, exclude_parameters)
        criteria = EventCriteria(bots=own_bot_ids(operator_of(request)))
        for chosen in self.filter_specs:
            if isinstance(chosen, EventFilter):
                criteria = chosen.narrowed(criteria)
        self.criteria = resolve(self.query, criteria)
        return rows

    def get_results(self, request: HttpRequest) -> None:
        try:
            before = int(request.GET[BEFORE]) if BEFORE in request.GET else None
        except ValueError as error:
            raise IncorrectLookupParameters from error
        try:
            self.found = newest(
                self.criteria,
                before=before,
                limit=self.list_per_page,
                asker=("operator", operator_of(request).pk),
            )
        except SearchTooSlowError as error:
            self.found = NO_RESULTS
            messages.warning(request, search_problem(error))
        rows = list(self.queryset.filter(pk__in=self.found.pks).order_by("-pk"))
        cells = read_cells(rows)
        for event in rows:
            event.cells = cells[event.pk]  # for the columns, which get nothing but the event
        self.result_list = rows
        self.result_count = self.full_result_count = len(self.found.pks)
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self.paginator = KeysetPaginator()
        self.is_first = before is None

    @property
    def next_page(self) -> str:
        """The address of the page of older events; empty at the end."""
        if self.found.cursor is None:
            return ""
        address: str = self.get_query_string({BEFORE: self.found.cursor})
        return address

    @property
    def first_page(self) -> str:
        address: str = self.get_query_string({BEFORE: None})
        return address

    @cached_property
    def searched_back_to(self) -> datetime | None:
        """When the oldest scanned event arrived; None where the page is full or the log at its end."""
        if not self.found.is_cut or self.found.cursor is None:
            return None
        return Event.objects.filter(pk=self.found.cursor).values_list("received_at", flat=True).first()
