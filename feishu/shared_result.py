"""Waiting for work that others wait for as well."""

import asyncio
from typing import Any, TypeVar

T = TypeVar("T")


async def shared(result: "asyncio.Future[T]") -> T:
    """What ``result`` comes to. Who is cancelled meanwhile takes it from nobody else.

    Where nobody is left when it fails, that is no news: asyncio would log an exception that was never retrieved, since
    ``shield`` stops listening when its caller is cancelled.
    """
    result.add_done_callback(_retrieve)
    waited_for = asyncio.shield(result)
    waited_for.add_done_callback(_retrieve)
    return await waited_for


def _retrieve(result: "asyncio.Future[Any]") -> None:
    if not result.cancelled():
        result.exception()
