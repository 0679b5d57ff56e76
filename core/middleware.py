"""Middleware that changes responses, for requests answered by sync and by async code."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

GetResponse = Callable[[HttpRequest], Any]
ChangeResponse = Callable[[HttpRequest, HttpResponseBase], HttpResponseBase]


def response_middleware(change: ChangeResponse) -> Callable[[GetResponse], GetResponse]:
    """Makes ``(request, response)``, which returns a response, into a middleware. Django's own mixin would send every
    response of async code through a thread."""

    @sync_and_async_middleware
    def middleware(get_response: GetResponse) -> GetResponse:
        if iscoroutinefunction(get_response):

            async def respond_async(request: HttpRequest) -> HttpResponseBase:
                return change(request, await get_response(request))

            return respond_async

        def respond(request: HttpRequest) -> HttpResponseBase:
            return change(request, get_response(request))

        return respond

    return middleware
