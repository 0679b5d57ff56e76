"""The id of a request and its one line: what the line says, what it never says, and which requests have none."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

import httpx2
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import resolve
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from core.access.models import User
from core.log_context import add_to_log, log_context
from feishu_portal.front.access_log import AccessLog, note_route
from feishu_portal.urls import urlpatterns
from tests.services.traces import parent_of

ROUTES = {"/events/": "/events/<app_id>", "/live/": "/live/"}
SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers by the path."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"} if scope["path"] == "/live/" else {"type": "websocket.close"})
        await send({"type": "websocket.close"})
        return
    with log_context(app_id="cli_1"):
        add_to_log(client="crm")
        response: Response = PlainTextResponse("")
        match scope["path"].split("/")[-1]:
            case "refused":
                response = JSONResponse({}, 401)
            case "platform":
                response = PlainTextResponse(
                    "", headers={"X-Tt-Logid": "log-1", "X-Request-ID": "of-platform"}
                )
            case "broken":
                raise RuntimeError("broken")
            case "left":
                return
        await response(scope, receive, send)


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    served = AccessLog(application, routes=ROUTES, quiet=("/events/",))
    transport = httpx2.ASGITransport(served, raise_app_exceptions=False, client=("192.0.2.7", 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        yield client


@pytest.fixture
def lines(caplog) -> Callable[[], list[logging.LogRecord]]:
    caplog.set_level(logging.INFO)
    return lambda: [record for record in caplog.records if record.getMessage() == "request"]


@pytest.mark.parametrize(
    ("given", "is_kept"), [("abc-1.2_3", True), ("", False), ("two words", False), ("x" * 65, False)]
)
async def test_request_has_an_id_that_is_returned(http, given, is_kept):
    answer = await http.get("/", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is is_kept
    assert len(answer.headers["X-Request-ID"]) >= (1 if is_kept else 32)


async def test_id_is_on_the_lines_of_the_request_and_on_none_after_it(http, leaks):
    await http.get("/", headers={"X-Request-ID": "abc-1"})
    logging.getLogger("tests").warning("afterwards")
    request, afterwards = [
        said.text for said in leaks.said if "request " in said.text or "afterwards" in said.text
    ]
    assert "request_id=abc-1" in request
    assert "request_id" not in afterwards


async def test_line_says_how_the_request_went_and_whose_it_was(http, lines):
    await http.post(f"/oauth/start/{SECRET}/?code={SECRET}&state={SECRET}")
    [line] = lines()
    assert (line.method, line.status, line.address, line.client, line.app_id) == (
        "POST",
        200,
        "192.0.2.7",
        "crm",
        "cli_1",
    )
    assert line.ms >= 0
    assert line.route == "unknown"
    assert SECRET not in str(vars(line))


@pytest.mark.parametrize(("path", "status"), [("/broken", 500), ("/left", 499), ("/refused", 401)])
async def test_request_without_a_good_answer_has_its_line(http, lines, path, status):
    with contextlib.suppress(AssertionError):  # of httpx2, which insists on an answer
        await http.get(path)
    assert [line.status for line in lines()] == [status]


async def test_line_of_a_call_that_was_passed_on_has_the_platforms_log_id(http, lines):
    answer = await http.get("/platform", headers={"X-Request-ID": "mine"})
    assert answer.headers.get_list("X-Request-ID") == ["of-platform"]
    assert [line.log_id for line in lines()] == ["log-1"]


async def test_quiet_route_has_a_line_a_minute_where_it_fails_and_none_where_it_works(http, lines):
    for path in ("/events/a", "/events/refused", "/events/refused", "/events/broken"):
        await http.get(path)
    assert [(line.route, line.status) for line in lines()] == [
        ("/events/<app_id>", 401),
        ("/events/<app_id>", 500),
    ]


@pytest.mark.parametrize(("path", "status"), [("/live/", 101), ("/live", 403)])
async def test_socket_has_a_line_when_it_is_closed(lines, path, status):
    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(_message: Message) -> None:
        pass

    scope = {"type": "websocket", "path": path, "headers": []}
    await AccessLog(application, routes=ROUTES, quiet=())(scope, receive, send)
    assert [(line.method, line.status, line.address) for line in lines()] == [("WEBSOCKET", status, "")]


@pytest.mark.django_db
def test_line_has_the_route_that_django_found_and_who_is_signed_in(client, django_user_model, monkeypatch):
    noted: dict[str, object] = {}
    monkeypatch.setattr("feishu_portal.front.access_log.add_to_request", lambda **facts: noted.update(facts))
    user: User = django_user_model.objects.create_superuser("root")
    client.force_login(user)
    client.get(f"/oauth/start/{SECRET}/")
    assert noted["route"] == "/oauth/start/<slug:token>/"
    client.get("/admin/bots/bot/")
    assert noted == {"route": "/admin/bots/bot/", "user": user.pk}


async def test_request_that_was_cancelled_has_its_route(monkeypatch):
    noted: dict[str, object] = {}
    monkeypatch.setattr("feishu_portal.front.access_log.add_to_request", lambda **facts: noted.update(facts))

    async def cancelled(request: HttpRequest) -> HttpResponse:
        request.resolver_match = resolve(request.path_info)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await note_route(cancelled)(RequestFactory().get("/oauth/my/"))
    assert noted == {"route": "/oauth/my/"}


@pytest.mark.parametrize(
    ("path", "route"), [("/static/portal/live.js", "/static/"), ("/api/nothing", None), ("/nothing", None)]
)
def test_files_are_one_route_and_paths_that_there_are_not_have_none(path, route, monkeypatch):
    noted: dict[str, object] = {}
    monkeypatch.setattr("feishu_portal.front.access_log.add_to_request", lambda **facts: noted.update(facts))
    request = RequestFactory().get(path)
    if path.startswith("/api"):
        request.resolver_match = urlpatterns[-1].resolve(path[1:])
    note_route(lambda _request: HttpResponse())(request)
    assert noted.get("route") == route


class TestTrace:
    CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    async def test_a_request_goes_on_with_the_trace_of_its_caller(self, http, traces):
        await http.get("/live/x", headers={"traceparent": self.CALLER})
        span = traces.one("GET /live/")
        assert f"{span.context.trace_id:032x}-{parent_of(span):016x}" in self.CALLER

    async def test_it_has_the_route_and_neither_path_nor_query(self, http, traces):
        await http.get(f"/live/{SECRET}/refused?code={SECRET}")
        span = traces.one("GET /live/")
        assert SECRET not in span.to_json()
        assert span.attributes["http.response.status_code"] == 401

    async def test_a_broken_answer_is_a_failure(self, http, traces):
        await http.get("/live/broken")
        assert traces.one("GET /live/").status.description == "RuntimeError"

    async def test_what_is_asked_for_all_the_time_has_no_step(self, http, traces):
        await http.get("/events/cli_1")
        assert traces.all() == []
