"""The board's page, and the panel about one connection."""

import time

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from bots.connections.losses import losses_of_a_day
from bots.connections.status import ConnectionHealth, statuses
from bots.models import ConnectionLoss, ConnectionSlot
from core.console.base import operator_of
from core.console.live.polling import polled
from feishu_portal.overview.connections.badges import BadgesFeed
from feishu_portal.overview.connections.board import Selection, read_board
from feishu_portal.overview.connections.feed import BoardFeed
from feishu_portal.overview.connections.panel import facts

LATEST = 8
"""Losses that a panel lists."""


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """All bots and their connections. ``show`` and ``q`` hide rows, here as in the browser."""
    user = operator_of(request)
    selection = Selection(request.GET.get("show", ""), request.GET.get("q", "").strip())
    found = read_board(user, selection)
    hidden = {row.id for row in found.rows if not selection.has(row.status.outline)}
    context = {
        **admin.site.each_context(request),
        "title": _("Connections"),
        "board": found,
        "tiles": [(health, count) for health, count in found.counts.items()],
        "show": selection.show if selection.show in ConnectionHealth else "",
        "query": selection.query,
        "hidden": hidden,
        "is_nothing": len(hidden) == len(found.rows),
        "may_add": user.has_perm("bots.add_bot"),
        "now": f"{time.time():.3f}",
    }
    return TemplateResponse(request, "admin/connections/board.html", context)


@require_safe
def panel(request: HttpRequest, slot_id: int) -> HttpResponse:
    """What is known of one connection; the same 404 for one that is not there and one that is somebody else's."""
    user = operator_of(request)
    row = ConnectionSlot.objects.visible_to(user).filter(pk=slot_id).select_related("bot").first()
    if row is None:
        raise Http404
    [status] = statuses([row.bot], losses=losses_of_a_day([row.bot]))
    slot = next((slot for slot in status.slots if slot.row.pk == row.pk), None)
    losses = ConnectionLoss.objects.filter(bot=row.bot, number=row.number).order_by("-at")[:LATEST]
    context = {"bot": row.bot, "row": row, "slot": slot, "facts": facts(row, slot), "losses": losses}
    return TemplateResponse(request, "admin/connections/panel.html", context)


changes = polled(BoardFeed)
badge_changes = polled(BadgesFeed)
