import asyncio
import threading

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory

from core.middleware import response_middleware

REQUEST = RequestFactory().get("/")


def marked(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers["X-Changed"] = f"{request.path} on {threading.get_ident()}"
    return response


def test_response_of_sync_code_is_changed():
    answer = response_middleware(marked)(lambda _request: HttpResponse())(REQUEST)
    assert answer.headers["X-Changed"].startswith("/ on")


def test_response_of_async_code_is_changed_on_its_own_thread():
    async def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    async def ask() -> HttpResponse:
        return await response_middleware(marked)(view)(REQUEST)

    assert asyncio.run(ask()).headers["X-Changed"] == f"/ on {threading.get_ident()}"
