"""Live events: a page that is fed through a socket, and polls every few seconds where it can have none."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import BigIntegerField, Max
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from bots.models import Bot, own_bot_ids
from core.access.models import User
from core.console.base import operator_of
from core.console.live.changes import Changes
from core.console.live.feeds import Feed
from core.console.live.polling import polled
from core.console.live.viewers import Viewer
from core.console.people import Named, called, described
from core.database.text import storable
from events.admin.filters import MAX_TEXT
from events.admin.list_cells import said, sender_of, senders_of, type_in_words
from events.enums import EventStatus
from events.errors import SearchTooSlowError
from events.log.criteria import EventCriteria
from events.log.search import oldest
from events.log.summaries import read_summaries
from events.models import Event

TOPIC = "events"
SOCKET = "/live/events/"
MAX_EVENTS = 100  # in one message
OVERLAP = 200
"""So many events before the cursor are read again: one may be committed after others with higher numbers, and the status of
those on the page changes."""
FILTERS = ("bot__id__exact", "event_type__exact", "status__exact")


def tail_page(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponseBase:
    """The page; its rows come from the feed."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": _("Live events"),
        "socket": SOCKET,
        "poll": reverse("admin:events_event_tail_poll"),
        "statuses": EventStatus.choices,
        "bots": Bot.objects.visible_to(operator_of(request)),
        "chosen": {name: request.GET[name] for name in FILTERS if request.GET.get(name)},
    }
    return TemplateResponse(request, "admin/events/event/tail.html", context)


class EventTail(Feed):
    """``{"type": "events", "cursor", "rows"}``: events behind the page's cursor, and those just before it whose status
    has changed.

    The handshake is ``{"cursor": number or null, "filters": {name: value}}``; without a cursor the feed begins with the newest
    events.
    """

    topics: ClassVar[tuple[str, ...]] = (TOPIC,)

    def __init__(self) -> None:
        self._cursor: int | None = None
        self._seen = 0
        """What the page is told as its cursor."""
        self._filters: dict[str, str] = {}
        self._shown: dict[int, str] = {}  # status by event

    def start(self, handshake: Any) -> None:
        self._cursor = (
            None
            if handshake["cursor"] is None
            else min(max(0, int(handshake["cursor"])), BigIntegerField.MAX_BIGINT)
        )
        self._seen = self._cursor or 0
        self._filters = {name: str(handshake["filters"].get(name, "")) for name in FILTERS}

    def read(self, viewer: Viewer, changes: Changes) -> Iterable[dict[str, Any]]:  # noqa: ARG002 -- every read is short
        last = Event.objects.aggregate(last=Max("pk"))["last"] or 0
        cursor = last if self._cursor is None else self._cursor
        try:
            found = oldest(
                criteria_of(viewer.user, self._filters),
                after=max(0, cursor - OVERLAP),
                last=last,
                limit=OVERLAP + MAX_EVENTS,
                asker=("operator", viewer.user.pk),
            )
        except SearchTooSlowError:
            return
        # Where the page is full, the next one goes on behind it.
        self._cursor = last if found.cursor is None else found.cursor
        events = Event.objects.filter(pk__in=found.pks).select_related("bot").defer("payload", "error")
        rows = [event for event in events.order_by("pk") if self._shown.get(event.pk) != event.status]
        self._shown = {pk: status for pk, status in self._shown.items() if pk > cursor - 2 * OVERLAP}
        self._shown |= {event.pk: event.status for event in rows}
        if rows:
            # Not how many events the bots of others have had: the page goes on behind what it has seen.
            self._seen = max(self._seen, rows[-1].pk)
            read_summaries(rows)
            known = senders_of(rows)
            shown = [_row(event, known.get(sender_of(event))) for event in rows]
            yield {"type": "events", "cursor": self._seen, "rows": shown}


tail_poll = polled(EventTail)


def criteria_of(user: User, filters: dict[str, str]) -> EventCriteria:
    """The page's filters, within what the operator may see."""
    status = filters.get("status__exact", "")
    criteria = EventCriteria(
        bots=own_bot_ids(user),
        event_type=storable(filters.get("event_type__exact", "").strip(), MAX_TEXT),
        statuses=(status,) if status in EventStatus.values else (),
    )
    if not filters.get("bot__id__exact"):
        return criteria
    try:
        return criteria.of_bot(UUID(filters["bot__id__exact"]))
    except ValueError:
        return replace(criteria, bots=())


def _row(event: Event, sender: Named | None) -> dict[str, Any]:
    return {
        "pk": event.pk,
        "address": reverse("admin:events_event_change", args=[event.pk]),
        "type": type_in_words(event.event_type),
        "bot": event.bot.name,
        "status": event.status,
        "status_label": str(EventStatus(event.status).label),
        "received": f"{localtime(event.received_at):%H:%M:%S.%f}"[:-3],
        "person": described(sender_of(event)[1], sender) if sender and called(sender) else None,
        "said": ": ".join(filter(None, (called(sender), said(event)))),
    }
