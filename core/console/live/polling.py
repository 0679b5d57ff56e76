"""Live pages without a socket: they ask every few seconds, and the answer is what a socket would send."""

import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import get_language
from django.views.decorators.http import require_POST

from core.access.roles import for_every_role
from core.console.base import operator_of
from core.console.live.feeds import MAX_HANDSHAKE, UNREADABLE, Feed
from core.console.live.viewers import Viewer


def polled(feed_type: type[Feed]) -> Callable[[HttpRequest], HttpResponse]:
    """The view that answers ``{"messages": […]}`` to a page's handshake; to be wrapped in ``admin.site.admin_view``."""

    @for_every_role
    @require_POST
    def view(request: HttpRequest) -> HttpResponse:
        feed = feed_type()
        if len(request.body) > MAX_HANDSHAKE:
            return HttpResponse(status=413)
        try:
            feed.start(json.loads(request.body))
        except UNREADABLE:
            return HttpResponse(status=400)
        viewer = Viewer(operator_of(request), get_language() or "")
        return JsonResponse({"messages": list(feed.read(viewer, feed.everything()))})

    return view
