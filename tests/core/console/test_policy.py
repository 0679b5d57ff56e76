import asyncio

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from core.console.policy import console_policy


def relaxed(response: HttpResponse) -> bool:
    return getattr(response, "_csp_replace", None) == settings.CONSOLE_CSP


def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


async def answer_later(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def test_policy_is_relaxed_for_the_console_alone() -> None:
    middleware = console_policy(answer)

    assert relaxed(middleware(RequestFactory().get("/admin/bots/bot/")))
    assert not relaxed(middleware(RequestFactory().get("/oauth/callback/cli_1/")))


def test_policy_is_relaxed_for_async_views_as_well() -> None:
    middleware = console_policy(answer_later)

    async def both() -> list[bool]:
        requests = [RequestFactory().get("/admin/"), RequestFactory().get("/administration/")]
        return [relaxed(await middleware(request)) for request in requests]

    assert asyncio.run(both()) == [True, False]
