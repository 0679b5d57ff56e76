"""How a request arrived: at a host of the portal, and by https where browsers use that.

What a proxy in front leaves out shows here first. The answers name the header and the variable, and of the request nothing
but its own headers.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.middleware.csrf import REASON_BAD_ORIGIN, REASON_BAD_REFERER
from django.shortcuts import render
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import get_language_from_request, override
from starlette.responses import JSONResponse
from starlette.types import Scope

from core.log_pace import LogPace
from feishu_portal.api.error_pages import is_for_callers
from feishu_portal.api.problems import Problem, answer, answer_before_django

logger = logging.getLogger(__name__)

SENT_TO_HTTPS: Final = "feishu_portal_sent_to_https"
"""The cookie of a browser that was sent to https and has not arrived there yet."""
LOOP_SECONDS: Final = 30
SHOWN: Final = 200  # characters of a header
PROXY_HEADERS: Final = ("Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Origin", "Referer")

_pace = LogPace[str](every=3600)


@sync_and_async_middleware
def check_arrival(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Refuses hosts that are not the portal's and sends browsers to https, once: one that comes back by http all the same
    gets a page that says what the proxy in front has to do."""
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> HttpResponseBase:
            return _refusal(request) or _arrived(request, await get_response(request))

        return respond_async

    def respond(request: HttpRequest) -> HttpResponseBase:
        return _refusal(request) or _arrived(request, get_response(request))

    return respond


def refusal_of_call(scope: Scope) -> JSONResponse | None:
    """The same for what is served before Django."""
    problem = _problem(_Call(scope))
    return None if problem is None else answer_before_django(problem)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW: a form from an address that the portal does not know is told apart from one too old."""
    unknown = [text.split("%s", 1)[0] for text in (REASON_BAD_ORIGIN, REASON_BAD_REFERER)]
    is_unknown = reason.startswith(tuple(unknown))
    origin = request.headers.get("Origin", "")[:SHOWN] if is_unknown else ""
    context = {"is_unknown": is_unknown, "origin": origin, "arrived": _arrived_with(request)}
    return render(request, "403_csrf.html", context, status=403)


def _refusal(request: HttpRequest) -> HttpResponse | None:
    problem = _problem(request)
    if problem is None:
        return None
    if is_for_callers(request.path_info):
        return answer(problem)
    if problem.code == "https_required" and not request.COOKIES.get(SENT_TO_HTTPS):
        redirect = HttpResponseRedirect(f"https://{request.get_host()}{request.get_full_path()}")
        redirect.set_cookie(SENT_TO_HTTPS, "1", max_age=LOOP_SECONDS, httponly=True, samesite="Lax")
        redirect["Cache-Control"] = "no-store"
        return redirect
    with override(get_language_from_request(request)):
        context = {"code": problem.code, "arrived": _arrived_with(request)}
        response = render(request, "arrival.html", context, status=400)
    response["Cache-Control"] = "no-store"
    return response


def _arrived(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if request.COOKIES.get(SENT_TO_HTTPS):
        response.delete_cookie(SENT_TO_HTTPS, samesite="Lax")
    return response


def _problem(request: HttpRequest) -> Problem | None:
    try:
        request.get_host()
    except DisallowedHost:
        shown = request.META.get("HTTP_HOST", "")[:SHOWN]
        if (left_out := _pace.admits(shown)) is not None:
            hint = "Add it to ALLOWED_HOSTS, or let the proxy in front pass the browser's Host on."
            logger.warning("host_not_allowed", extra={"host": shown, "hint": hint, "left_out": left_out})
        detail = "The portal does not answer under this host: see ALLOWED_HOSTS, and the Host that a proxy passes on."
        return Problem(400, "host_not_allowed", detail)
    if settings.HTTPS and not request.is_secure():
        detail = "Use https. Where this was https, the proxy in front has to send X-Forwarded-Proto: https."
        return Problem(403, "https_required", detail)
    return None


def _arrived_with(request: HttpRequest) -> Mapping[str, str]:
    return {name: request.headers[name][:SHOWN] for name in PROXY_HEADERS if name in request.headers}


class _Call(HttpRequest):
    """As much of a request as tells how it arrived."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._asgi_scheme: str = scope.get("scheme", "http")
        wanted = {b"host", b"x-forwarded-host", b"x-forwarded-proto"}
        self.META = {
            f"HTTP_{name.decode().upper().replace('-', '_')}": value.decode("latin-1")
            for name, value in scope["headers"]
            if name in wanted
        }
        host, port = scope.get("server") or ("", 80)
        self.META |= {"SERVER_NAME": host, "SERVER_PORT": str(port)}

    def _get_scheme(self) -> str:
        return self._asgi_scheme
