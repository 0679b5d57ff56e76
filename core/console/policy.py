"""The console's content security policy: Unfold's scripts need eval, so /admin/ alone may."""

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class ConsolePolicyMiddleware:
    """Relaxes the policy of responses under the console's root; works sync and async."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._async:
            return self._answer_later(request)
        return self._relax(request, cast("HttpResponseBase", self.get_response(request)))

    async def _answer_later(self, request: HttpRequest) -> HttpResponseBase:
        return self._relax(request, await cast("Awaitable[HttpResponseBase]", self.get_response(request)))

    def _relax(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if isinstance(response, HttpResponse) and request.path.startswith(reverse("admin:index")):
            response._csp_replace = settings.CONSOLE_CSP  # type: ignore[attr-defined]  # noqa: SLF001 -- django-csp's name
        return response
