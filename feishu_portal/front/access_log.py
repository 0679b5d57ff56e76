"""Requests in the log: each has an id, which is on every line about it, and one line of its own when it is over.

The line has the route's pattern and never the path: a path may be a secret, as that of a start link is, and a query holds
authorization codes.
"""

import logging
import re
import time
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.log_context import add_to_request, log_context, request_facts
from core.log_pace import LogPace
from core.middleware import GetResponse
from core.tracing import NO_SPAN, Side, Span, is_tracing, span

logger = logging.getLogger(__name__)

HEADER: Final = b"x-request-id"
TRACE: Final = frozenset({b"traceparent", b"tracestate"})
"""Headers of W3C Trace Context."""
PLATFORM_LOG_ID: Final = b"x-tt-logid"
UNKNOWN: Final = "unknown"
"""The route of a path that there is not: strangers choose it."""
NO_ANSWER: Final = 499
"""The status, by nginx's custom, of a request whose caller went away, or that ended with the process."""
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class AccessLog:
    """An ASGI application around that of the portal. A caller's ``X-Request-ID`` is kept where it is well-formed.

    ``routes``: patterns by the beginning of the path, for what is served before Django. ``quiet``: beginnings of routes
    that are asked for all the time, by probes and pages, or that count their requests themselves; at INFO they have a line a
    minute about what went wrong.
    """

    def __init__(self, application: ASGIApp, *, routes: Mapping[str, str], quiet: tuple[str, ...]) -> None:
        self._application = application
        self._routes = routes
        self._quiet = quiet
        self._pace = LogPace[tuple[str, int]]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _id_of(scope)
        answer = _Answer(send, request_id)
        with (
            log_context(request_id=request_id.decode()),
            self._step(scope) as step,
            request_facts() as facts,
        ):
            try:
                await self._application(scope, receive, answer.send)
            except Exception:
                answer.status = answer.status or 500
                raise
            finally:
                facts.setdefault("route", self._route_of(scope))
                self._log(scope, answer, facts, time.perf_counter() - began)
                _tell(step, scope, answer, facts)

    def _step(self, scope: Scope) -> AbstractContextManager[Span]:
        """The request's step in its caller's trace. Sockets, which stay open, and what is asked for all the time have none."""
        if not is_tracing() or scope["type"] != "http" or scope["path"].startswith(self._quiet):
            return NO_SPAN
        headers = {
            name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in TRACE
        }
        return span(scope["method"], Side.SERVER, headers=headers)

    def _route_of(self, scope: Scope) -> str:
        path: str = scope["path"]
        return next((route for prefix, route in self._routes.items() if path.startswith(prefix)), UNKNOWN)

    def _log(self, scope: Scope, answer: "_Answer", facts: dict[str, Any], seconds: float) -> None:
        status, route = answer.status or NO_ANSWER, facts["route"]
        level = logging.INFO
        if route.startswith(self._quiet):
            if status < 400:
                level = logging.DEBUG
            elif (left_out := self._pace.admits((route, status))) is None:
                return
            elif left_out:
                facts["left_out"] = left_out
        if logger.isEnabledFor(level):
            client = scope.get("client")
            extra = {
                "method": scope.get("method", "WEBSOCKET"),
                "status": status,
                "ms": round(seconds * 1000, 1),
                "address": client[0] if client else "",
                **facts,
            }
            if answer.log_id:
                extra["log_id"] = answer.log_id
            logger.log(level, "request", extra=extra)


class _Answer:
    """What the application sends, with the request's id added; its status, and the platform's log id of a call that was
    passed on."""

    def __init__(self, send: Send, request_id: bytes) -> None:
        self.status = 0
        self.log_id = ""
        self._send = send
        self._request_id = request_id

    async def send(self, message: Message) -> None:
        match message["type"]:
            case "http.response.start":
                self.status = message["status"]
                headers = list(message.get("headers", ()))
                named = {name.lower(): value for name, value in headers}
                self.log_id = named.get(PLATFORM_LOG_ID, b"").decode("latin-1")
                if HEADER not in named:
                    message = {**message, "headers": [*headers, (HEADER, self._request_id)]}
            case "websocket.accept":
                self.status = 101
            case "websocket.http.response.start":
                self.status = message["status"]
            case "websocket.close" if not self.status:
                self.status = 403
        await self._send(message)


def _tell(step: Span, scope: Scope, answer: _Answer, facts: Mapping[str, Any]) -> None:
    status, route = answer.status or NO_ANSWER, facts["route"]
    step.rename(f"{scope.get('method', 'WEBSOCKET')} {route}")
    step.add({"http.route": route, "http.response.status_code": status})
    if status >= 500:
        step.fail(f"HTTP {status}")


@sync_and_async_middleware
def note_route(get_response: GetResponse) -> GetResponse:
    """The outermost middleware: tells the request's line its route, and who is signed in, if that was asked for; also where
    the caller went away and the request was cancelled."""
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> HttpResponseBase:
            try:
                response: HttpResponseBase = await get_response(request)
            finally:
                note(request)
            return response

        return respond_async

    def respond(request: HttpRequest) -> HttpResponseBase:
        try:
            response: HttpResponseBase = get_response(request)
        finally:
            note(request)
        return response

    return respond


def note(request: HttpRequest) -> None:
    """Tells the request's line what is known of the request by now."""
    match = request.resolver_match
    # The last route, which takes what no other does, is the one with a pattern of its own.
    if match is not None and not match.route.startswith("^"):
        add_to_request(route=f"/{match.route}")
    elif request.path_info.startswith(settings.STATIC_URL):
        add_to_request(route=settings.STATIC_URL)
    user = getattr(request, "_cached_user", None) or getattr(request, "_acached_user", None)
    if user is not None and user.is_authenticated:
        add_to_request(user=user.pk)


def _id_of(scope: Scope) -> bytes:
    given = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex.encode()
