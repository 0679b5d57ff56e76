"""A request goes to its thread once; what waits for events takes none."""

import asyncio
import re
import threading
from collections.abc import Iterator

import httpx2
import pytest
from asgiref.sync import SyncToAsync, iscoroutinefunction
from django.http import HttpResponse
from django.urls import URLPattern, get_resolver, resolve

from feishu_portal.front import django_handlers
from feishu_portal.front.django_handlers import ASYNCHRONOUS, DjangoHandlers, OneThreadHandler
from feishu_portal.runtime.health import LIVE
from tests.services.processes import PATIENCE


@pytest.fixture
def in_threads(monkeypatch) -> list[str]:
    """What was called in a thread, by name."""
    called: list[str] = []
    run = SyncToAsync.thread_handler

    def counting(self, *args, **kwargs):
        called.append(getattr(self.func, "__name__", repr(self.func)))
        return run(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "thread_handler", counting)
    return called


def client_of(application) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=application)
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost", timeout=PATIENCE)


def views() -> Iterator[tuple[str, URLPattern]]:
    """A path of each route, with an id where it has a parameter, and the route."""

    def below(patterns, prefix):
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield "/" + re.sub(r"<[^>]+>", "00000000-0000-0000-0000-000000000000", route), pattern
            else:
                yield from below(pattern.url_patterns, route)

    yield from below(get_resolver().url_patterns, "")


def test_paths_of_asynchronous_views_are_named():
    asynchronous = {path for path, pattern in views() if iscoroutinefunction(pattern.callback)}
    assert asynchronous
    assert {path for path, _pattern in views() if ASYNCHRONOUS.fullmatch(path)} == asynchronous


@pytest.mark.django_db(transaction=True)
async def test_a_page_goes_to_its_thread_once(in_threads):
    async with client_of(DjangoHandlers()) as client:
        answer = await client.get("/admin/login/")
    assert answer.status_code == 200
    assert in_threads.count("get_response") == 1
    # Django's own signals, before and after.
    assert len(in_threads) <= 4, in_threads


@pytest.mark.django_db(transaction=True)
async def test_all_middleware_is_there(in_threads):
    async with client_of(DjangoHandlers()) as client:
        answer = await client.get("/admin/bots/bot/")
    assert answer.status_code == 302
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "script-src" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", [LIVE, "/static/portal/console.css"])
async def test_probe_and_file_are_served_without_the_thread_of_pages(path, in_threads):
    async with client_of(DjangoHandlers()) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert "get_response" not in in_threads


async def test_prefix_of_a_proxy_is_no_part_of_the_path(in_threads):
    transport = httpx2.ASGITransport(app=DjangoHandlers(), root_path="/portal")
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get(f"/portal{LIVE}")
    assert answer.status_code == 200
    assert "get_response" not in in_threads


async def test_request_whose_caller_went_away_has_its_route(monkeypatch, rf):
    noted: list[object] = []
    monkeypatch.setattr(django_handlers, "note", lambda request: noted.append(request.resolver_match.route))
    began, may_end = threading.Event(), threading.Event()

    def slow(request) -> HttpResponse:
        request.resolver_match = resolve(request.path_info)
        began.set()
        may_end.wait(PATIENCE)
        return HttpResponse()

    handler = OneThreadHandler()
    monkeypatch.setattr(handler, "_middleware_chain", slow)
    answering = asyncio.create_task(handler.get_response_async(rf.get("/oauth/my/")))
    await asyncio.to_thread(began.wait, PATIENCE)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert noted == ["oauth/my/"]
    may_end.set()
