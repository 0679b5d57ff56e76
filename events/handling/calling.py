"""Awaiting async handlers from the thread that called them."""

import asyncio
from collections.abc import Coroutine
from inspect import iscoroutine
from typing import Any

from asgiref.sync import async_to_sync


class AsyncHandlerTimedOut(Exception):
    """An async handler was cancelled because it was past its time."""


def completed(result: Any, *, seconds: float) -> Any:
    """What a handler returned; a coroutine is run to its end and cancelled after ``seconds``.

    Its ORM calls come back to this thread, and so into its transaction. Its event loop is made for it and closed after
    it. Raises AsyncHandlerTimedOut, or whatever the coroutine raises.
    """
    # Judged by the result and not by the function: a decorator or a lambda may wrap an async one.
    return async_to_sync(_within)(result, seconds) if iscoroutine(result) else result


async def _within(coroutine: Coroutine[Any, Any, Any], seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds) as limit:
            return await coroutine
    except TimeoutError:
        if limit.expired():
            raise AsyncHandlerTimedOut from None
        raise
