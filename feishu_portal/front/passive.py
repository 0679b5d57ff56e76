"""What a passive portal refuses: whatever acts. Its pages can be looked at, its events and the audit log can be read."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import sync_and_async_middleware
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from starlette.types import ASGIApp, Receive, Scope, Send

from core.installation.state import CAUSES, Cause, PortalState
from core.installation.watch import cure, sentence, watch
from feishu_portal.api.error_pages import is_for_callers
from feishu_portal.api.problems import Problem, answer, answer_before_django

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_ACTS_WHEN_READ: Final = re.compile(r"/oauth/|/api/v1/subscriptions/[^/]+/(?:events|stream)$")
"""Paths that hand something over, or use a link up, without a body."""
_SIGNING_IN: Final = (
    *("admin:login", "second-step", "passkey-options", "passkey-sign-in", "admin:logout", "set_language"),
    *("security-confirm", "passkey-confirm-options", "passkey-confirm"),
)
RETRY_AFTER: Final = "60"


def refusal(cause: Cause) -> Problem:
    """503: nothing was done, and nothing will be until a person decides."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "passive",
        f"The portal is passive: {CAUSES[cause].en_us}. Nothing was done. {cure(cause).en_us}.",
        headers={"Retry-After": RETRY_AFTER},
        cause=cause.value,
    )


class ActiveOnly:
    """For ASGI applications that stand before Django's middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = await watch.acurrent()
        if state.cause is None:
            await self._app(scope, receive, send)
            return
        await answer_before_django(refusal(state.cause))(scope, receive, send)


@sync_and_async_middleware
def refuse_while_passive(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """For everything else. Stands behind the middleware of messages, which operators read."""
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> HttpResponseBase:
            state = await watch.acurrent()
            # In a thread: the page and its words depend on who is signed in.
            refused = await sync_to_async(_refused)(request, state) if state.is_passive else None
            response: HttpResponseBase = refused or await get_response(request)
            return response

        return respond_async

    def respond(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = _refused(request, watch.current()) or get_response(request)
        return response

    return respond


def _refused(request: HttpRequest, state: PortalState) -> HttpResponseBase | None:
    path = request.path_info
    is_read = request.method in _READING and not _ACTS_WHEN_READ.match(path)
    if state.cause is None or is_read or path in map(reverse, _SIGNING_IN):
        return None
    if is_for_callers(path):
        refused = answer(refusal(state.cause))
        refused._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 -- Django would log each as an error
        return refused
    if path.startswith(reverse("admin:index")):
        messages.error(request, _("The portal is passive: nothing was changed, and nothing was sent."))
        return HttpResponseRedirect(_page_before(request), status=HTTPStatus.SEE_OTHER)
    page = render(request, "passive.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
    page["Retry-After"] = RETRY_AFTER
    page["Cache-Control"] = "no-store"
    return page


def _page_before(request: HttpRequest) -> str:
    """Where the form was sent from."""
    before = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(before, {request.get_host()}, require_https=request.is_secure())
    return before if is_ours else reverse("admin:index")


def passive_banner(request: HttpRequest) -> dict[str, object]:
    """A context processor: ``passive``, for the banner of the console's pages. Why, and what to do, is for operators."""
    state = watch.last
    text = sentence(state)
    if text is None:
        return {}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"passive": {"text": _("This portal is passive: it connects no bot and sends nothing.")}}
    return {"passive": {"text": text.in_language(get_language() or ""), "marked_at": state.marked_at}}
