"""Django behind ASGI: an asynchronous handler for requests that wait, and one that keeps to one thread for all others.

Django's own handler sends a request to its thread once for every middleware that looks at the request, and once more for every
one that looks at the response: some twenty changes of thread, each of which waits for the event loop and for the interpreter's
lock. Pages and calls of the API are synchronous, so they go to their thread once, with all of the middleware.
"""

import re
from typing import Final, cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from starlette.types import ASGIApp, Receive, Scope, Send

from feishu_portal.front.access_log import note
from feishu_portal.runtime.health import LIVE, READY

ASYNCHRONOUS: Final = re.compile(
    r"/api/v1/(?:subscriptions/[^/]+/(?:events|stream)|approvals/[^/]+|auth-sessions/[^/]+|bots/[^/]+/users/[^/]+/token)"
)
"""Paths whose views wait: for events, for a person, for a refresh."""


class OneThreadHandler(ASGIHandler):
    """Handles a request, from the first middleware to the last, in the thread that Django gives to each."""

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 -- Django's signature
        """All of it synchronous."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Tells the log the route here, too: where the caller goes away, the thread ends after the line is written."""
        try:
            return await sync_to_async(self.get_response, thread_sensitive=True)(request)
        finally:
            note(request)


class DjangoHandlers:
    """An ASGI application: what Django serves. Probes, files and views that wait take no thread."""

    def __init__(self) -> None:
        # Django annotates its handlers more narrowly than ASGI does.
        self._asynchronous = cast("ASGIApp", ASGIHandler())
        self._in_one_thread = cast("ASGIApp", OneThreadHandler())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        is_asynchronous = (
            path in {LIVE, READY} or path.startswith(settings.STATIC_URL) or ASYNCHRONOUS.fullmatch(path)
        )
        handler = self._asynchronous if is_asynchronous else self._in_one_thread
        await handler(scope, receive, send)
