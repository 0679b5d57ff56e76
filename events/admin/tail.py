"""Events as they come: a page that asks for what is new, every second, by key."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from events.admin.filters import ArrivalFilter, BotFilter, StatusFilter, TypeFilter, own_bots
from events.domain.criteria import EventCriteria
from events.domain.search import oldest
from events.enums import EventStatus
from events.errors import SearchTooSlowError
from events.models import Event
from feishu_portal.access.admin.base import operator_of

MOST = 100  # events in one answer
# Numbers are given before they are committed: what came in under a number already passed is looked for again. The same
# look shows how events just listed went on.
OVERLAP = 200
FILTERS = (StatusFilter, TypeFilter, ArrivalFilter, BotFilter)


def tail_page(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponseBase:
    """The page; what it lists comes from ``tail_rows``."""
    _check(model_admin, request)
    chosen = {name: request.GET[name] for name in _parameters() if request.GET.get(name)}
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": _("Live events"),
        "rows_address": reverse("admin:events_event_tail_rows"),
        "statuses": EventStatus.choices,
        "bots": Bot.objects.visible_to(operator_of(request)),
        "chosen": chosen,
    }
    return TemplateResponse(request, "admin/events/event/tail.html", context)


def tail_rows(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponseBase:
    """``{"cursor", "rows"}``: events after ``?after=``, and the newest few before it as they stand now.

    Without ``after`` the newest events are the beginning.
    """
    _check(model_admin, request)
    criteria = _criteria(model_admin, request)
    last = Event.objects.aggregate(last=Max("pk"))["last"] or 0
    try:
        after = int(request.GET.get("after") or last)
        found = oldest(criteria, after=max(0, after - OVERLAP), last=last, limit=OVERLAP + MOST)
    except ValueError:
        return JsonResponse({"cursor": last, "rows": []}, status=400)
    except SearchTooSlowError:
        return JsonResponse({"cursor": last, "rows": []}, status=503)
    events = Event.objects.filter(pk__in=found.pks).select_related("bot").defer("payload", "error")
    rows = [_row(event) for event in events.order_by("pk")]
    # Beyond a full answer there is more; the next question begins where this one ended.
    return JsonResponse({"cursor": last if found.cursor is None else found.cursor, "rows": rows})


def _check(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> None:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied


def _parameters() -> list[str]:
    return [str(part.parameter_name) for part in FILTERS]


def _criteria(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> EventCriteria:
    criteria = EventCriteria(bots=own_bots(request))
    for part in FILTERS:
        name = str(part.parameter_name)
        chosen = {name: [str(request.GET[name])]} if request.GET.get(name) else {}
        criteria = part(request, chosen, Event, model_admin).narrowed(criteria)
    return criteria


def _row(event: Event) -> dict[str, Any]:
    return {
        "pk": event.pk,
        "address": reverse("admin:events_event_change", args=[event.pk]),
        "type": event.event_type or str(_("unknown")),
        "bot": event.bot.name,
        "status": event.status,
        "status_label": str(EventStatus(event.status).label),
        "received": f"{localtime(event.received_at):%H:%M:%S.%f}"[:-3],
        "event_id": event.event_id,
    }
