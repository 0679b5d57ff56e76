import asyncio
import threading

import pytest

from events.handling.calling import completed
from events.handling.handler_loop import AsyncHandlerTimedOut


async def answer() -> str:
    await asyncio.sleep(0)
    return "answer"


def test_result_of_a_sync_handler_is_passed_on():
    assert completed("result", seconds=1) == "result"
    assert completed(None, seconds=1) is None


def test_coroutine_is_run_to_its_end():
    assert completed(answer(), seconds=10) == "answer"


def test_coroutine_that_takes_too_long_is_cancelled():
    cancelled = threading.Event()

    async def hang() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    with pytest.raises(AsyncHandlerTimedOut):
        completed(hang(), seconds=0.01)
    assert cancelled.is_set()


def test_time_out_of_the_handlers_own_is_its_own():
    async def give_up() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(30)

    with pytest.raises(TimeoutError):
        completed(give_up(), seconds=10)


def test_what_the_coroutine_raises_comes_out():
    async def fail() -> None:
        raise ValueError("no such order")

    with pytest.raises(ValueError, match="no such order"):
        completed(fail(), seconds=10)
