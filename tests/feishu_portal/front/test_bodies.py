"""Bodies are bounded before Django sees the request, by length and by time."""

import asyncio

import httpx2
import pytest

from feishu_portal.front import bodies
from feishu_portal.front.bodies import BoundedBodies
from tests.services.processes import PATIENCE


async def echo(scope, receive, send):
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


@pytest.fixture
async def http():
    application = BoundedBodies(echo)
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        yield client
    await application.close()


async def counted(size):
    for _ in range(size // 1000):
        yield b"x" * 1000


@pytest.mark.parametrize("path", ["/admin/login/", "/oauth/callback/x/", "/healthz/live"])
@pytest.mark.parametrize("body", [b"x" * 2001, lambda: counted(3000)], ids=["announced", "counted"])
async def test_longer_body_gets_a_page_that_says_413(http, settings, path, body):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    response = await http.post(path, content=body if isinstance(body, bytes) else body())
    assert response.status_code == 413
    assert response.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/api/v1/bots", "/api/feishu/ws/connect"])
async def test_longer_body_under_the_api_gets_a_problem(http, settings, path):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    response = await http.post(path, content=counted(3000))
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert response.headers["content-type"] == "application/problem+json"


async def test_body_within_the_limit_arrives_whole(http, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    assert (await http.post("/api/v1/bots", content=counted(2000))).content == b"x" * 2000


async def test_body_that_stops_is_answered_408(http, monkeypatch):
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)
    monkeypatch.setattr(bodies, "FIRST_BYTE_SECONDS", 0.05)
    begun = []

    async def receive():
        if begun:
            await asyncio.Event().wait()
        begun.append(1)
        return {"type": "http.request", "body": b"x", "more_body": True}

    sent = []

    async def send(message):
        sent.append(message)

    application = BoundedBodies(echo)
    scope = {"type": "http", "method": "POST", "path": "/api/v1/bots", "headers": [(b"content-length", b"9")]}
    await asyncio.wait_for(application(scope, receive, send), PATIENCE)
    await application.close()
    assert sent[0]["status"] == 408


async def test_caller_that_goes_away_gets_nothing(http):
    async def gone():
        return {"type": "http.disconnect"}

    application, sent = BoundedBodies(echo), []
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-length", b"9")]}
    await application(scope, gone, sent.append)
    await application.close()
    assert sent == []
