"""Sign-ins wait for their turn without a thread, and strangers keep no known browser out."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import pytest
from django.core import signing

from core.access import sign_in
from feishu_portal.front import sign_ins
from feishu_portal.front.sign_ins import SignInsInTurn
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.filterwarnings("error")


class Django:
    """An application that is at work until the test lets it answer."""

    def __init__(self) -> None:
        self.under_way = self.most = 0
        self.may_answer = asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.may_answer.wait()
        self.under_way -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def portal(monkeypatch):
    monkeypatch.setattr(sign_ins, "PATIENCE", PATIENCE)
    django = Django()
    application = SignInsInTurn(django)
    yield django, application
    django.may_answer.set()
    await application.close()


async def ask(application, *, path="/admin/login/", method="POST", peer="192.0.2.1", cookie="", root=""):
    """The status and the headers of the answer."""
    answer = {}

    async def send(message):
        if message["type"] == "http.response.start":
            answer["status"] = message["status"]
            answer.update((name.decode(), value.decode()) for name, value in message["headers"])

    scope = {
        "type": "http",
        "method": method,
        "path": root + path,
        "root_path": root,
        "headers": [(b"cookie", cookie.encode())],
        "client": (peer, 1),
    }
    await application(scope, None, send)
    return answer


async def at_once(application, django, count, **options):
    """``count`` sign-ins from as many addresses, once as many as may are under way."""
    asked = [
        asyncio.create_task(ask(application, peer=f"198.51.100.{number}", **options))
        for number in range(count)
    ]
    async with asyncio.timeout(PATIENCE):
        while django.under_way < sign_ins.AT_ONCE:
            await asyncio.sleep(0)
    return asked


def known() -> str:
    value = signing.dumps({"name": "", "device": "1"}, salt="core.access.sign_in")
    return f"{sign_in.COOKIE.name}={value}"


@pytest.mark.parametrize("root", ["", "/below"])
async def test_few_sign_ins_are_under_way_at_once_and_all_have_their_turn(portal, root):
    django, application = portal
    asked = await at_once(application, django, 20, root=root)
    for _ in range(20):
        await asyncio.sleep(0)
    assert django.most == sign_ins.AT_ONCE
    django.may_answer.set()
    answers = await asyncio.wait_for(asyncio.gather(*asked), PATIENCE)
    assert Counter(answer["status"] for answer in answers) == {200: 20}
    assert django.most == sign_ins.AT_ONCE


async def test_sign_in_whose_turn_does_not_come_is_told_when_to_come_again(portal, monkeypatch):
    django, application = portal
    monkeypatch.setattr(sign_ins, "PATIENCE", 0.05)
    asked = await at_once(application, django, sign_ins.AT_ONCE)
    refused = await ask(application)
    assert (refused["status"], refused["retry-after"], refused["cache-control"]) == (429, "0", "no-store")
    django.may_answer.set()
    await asyncio.wait_for(asyncio.gather(*asked), PATIENCE)
    assert (await ask(application))["status"] == 200


async def test_one_address_has_a_quarter_of_the_places_at_most(portal, monkeypatch):
    django, application = portal
    monkeypatch.setattr(sign_ins, "MAX_WAITING", 4)
    asked = [asyncio.create_task(ask(application, peer="192.0.2.1"))]
    async with asyncio.timeout(PATIENCE):
        while not django.under_way:
            await asyncio.sleep(0)
    assert (await ask(application, peer="192.0.2.1"))["status"] == 429
    asked.append(asyncio.create_task(ask(application, peer="192.0.2.2")))
    django.may_answer.set()
    answers = await asyncio.wait_for(asyncio.gather(*asked), PATIENCE)
    assert [answer["status"] for answer in answers] == [200, 200]


async def test_browser_that_has_signed_in_before_waits_for_no_stranger(portal):
    django, application = portal
    async with AsyncExitStack() as stack:
        asked = await at_once(application, django, sign_ins.MAX_WAITING)
        stack.push_async_callback(asyncio.gather, *asked)
        returning = asyncio.create_task(ask(application, cookie=known()))
        async with asyncio.timeout(PATIENCE):
            while django.under_way <= sign_ins.AT_ONCE:
                await asyncio.sleep(0)
        assert (await ask(application, cookie=known() + "x"))["status"] == 429
        django.may_answer.set()
        assert (await asyncio.wait_for(returning, PATIENCE))["status"] == 200


@pytest.mark.parametrize("other", [{"method": "GET"}, {"path": "/admin/logout/"}, {"path": "/api/v1/bots"}])
async def test_other_requests_wait_for_no_sign_in(portal, other):
    django, application = portal
    asked = await at_once(application, django, sign_ins.AT_ONCE + 1)
    more = asyncio.create_task(ask(application, **other))
    async with asyncio.timeout(PATIENCE):
        while django.under_way <= sign_ins.AT_ONCE:
            await asyncio.sleep(0)
    django.may_answer.set()
    answers = await asyncio.wait_for(asyncio.gather(more, *asked), PATIENCE)
    assert {answer["status"] for answer in answers} == {200}
