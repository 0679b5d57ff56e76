import asyncio

import httpx2
import pytest
from starlette.responses import JSONResponse, Response

from tests.feishu_portal.api.proxy.outcomes import OK, problem
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def go(upstream) -> asyncio.Event:
    """When the platform answers."""
    given = asyncio.Event()

    async def wait(_request) -> Response:
        await given.wait()
        return JSONResponse(OK)

    upstream.answer = wait
    return given


async def under_way(proxy, upstream, key: str, count: int) -> list[asyncio.Task[httpx2.Response]]:
    """So many calls that the platform has not answered yet."""
    calls = [asyncio.create_task(proxy.call(key, proxy.path())) for _ in range(count)]
    async with asyncio.timeout(PATIENCE):
        while len(upstream.requests) < count:
            await asyncio.sleep(0.01)
    return calls


async def test_caller_has_so_many_calls_under_way_and_no_more(proxy, grant, upstream, go, settings):
    settings.PROXY_CLIENT_CALLS = 2
    key, other = await proxy.key(), await proxy.key()
    calls = await under_way(proxy, upstream, key, 2)
    refused = await proxy.call(key, proxy.path())
    assert problem(refused) == (429, "too_many_calls")
    others = asyncio.create_task(proxy.call(other, proxy.path()))
    go.set()
    assert {response.status_code for response in await asyncio.gather(*calls, others)} == {200}


async def test_portal_relays_so_many_calls_and_no_more(proxy, grant, upstream, go, settings):
    settings.PROXY_CALLS = 2
    key, other = await proxy.key(), await proxy.key()
    calls = await under_way(proxy, upstream, key, 2)
    assert problem(await proxy.call(other, proxy.path())) == (503, "overloaded")
    go.set()
    assert {response.status_code for response in await asyncio.gather(*calls)} == {200}
    assert (await proxy.call(other, proxy.path())).status_code == 200
