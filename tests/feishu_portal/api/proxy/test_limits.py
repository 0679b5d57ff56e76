import asyncio

import pytest
from starlette.responses import JSONResponse, Response

from tests.feishu_portal.api.proxy.outcomes import OK, problem

pytestmark = pytest.mark.django_db(transaction=True)


async def test_caller_has_so_many_calls_under_way_and_no_more(proxy, grant, upstream, settings):
    settings.PROXY_CLIENT_CALLS = 2
    go = asyncio.Event()

    async def wait(_request) -> Response:
        await go.wait()
        return JSONResponse(OK)

    upstream.answer = wait
    key, other = await proxy.key(), await proxy.key()
    calls = [asyncio.create_task(proxy.call(key, proxy.path())) for _ in range(2)]
    async with asyncio.timeout(20):
        while len(upstream.requests) < 2:
            await asyncio.sleep(0.01)
    refused = await proxy.call(key, proxy.path())
    assert problem(refused) == (429, "too_many_calls")
    others = asyncio.create_task(proxy.call(other, proxy.path()))
    go.set()
    assert {response.status_code for response in await asyncio.gather(*calls, others)} == {200}


async def test_portal_relays_so_many_calls_and_no_more(proxy, grant, settings):
    settings.PROXY_CALLS = 0
    assert problem(await proxy.call(await proxy.key(), proxy.path())) == (503, "overloaded")
