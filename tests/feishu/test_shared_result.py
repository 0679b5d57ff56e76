import asyncio
import gc

import pytest

from feishu.shared_result import shared


@pytest.fixture
async def complaints():
    """What asyncio has to say of futures that nobody looked at."""
    said: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: said.append(context["message"]))
    return said


async def test_who_is_cancelled_takes_the_result_from_nobody():
    result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    hasty, patient = asyncio.create_task(shared(result)), asyncio.create_task(shared(result))
    await asyncio.sleep(0)
    hasty.cancel()
    result.set_result("found")
    assert await patient == "found"
    assert (await asyncio.gather(hasty, return_exceptions=True))[0].__class__ is asyncio.CancelledError


async def test_who_waits_gets_the_failure():
    result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    result.set_exception(OSError("no such name"))
    with pytest.raises(OSError, match="no such name"):
        await shared(result)


@pytest.mark.parametrize("is_first", ["cancelled", "failed"])
async def test_a_failure_that_nobody_waits_for_any_more_is_no_news(complaints, is_first):
    result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(shared(result))
    await asyncio.sleep(0)
    if is_first == "cancelled":
        waiting.cancel()
        await asyncio.wait([waiting])
    result.set_exception(OSError("no such name"))
    if is_first == "failed":
        await asyncio.sleep(0)  # what is waited for knows it, and the one who waits does not yet
        waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    del result, waiting
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []
