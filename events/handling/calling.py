"""Calling a handler: sync or async, and giving up on it."""

import asyncio
import ctypes
import threading
from collections.abc import Callable, Coroutine
from inspect import iscoroutine
from typing import Any

from asgiref.sync import async_to_sync


class HandlerTimedOut(BaseException):
    """Raised inside a thread whose handler is past its time. No ``except Exception`` of a handler catches it."""


class AsyncHandlerTimedOut(Exception):
    """An async handler was cancelled because it was past its time."""


def call(function: Callable[..., Any], *arguments: object, seconds: float) -> Any:
    """Run a handler. An async one is cancelled after ``seconds``; a sync one is watched by who called it.

    ORM calls of an async handler come back to this thread, and so into its transaction. Its event loop is made for it
    and closed after it. Raises AsyncHandlerTimedOut, or whatever the handler raises.
    """
    result = function(*arguments)
    # Not only of an async function: a decorator or a lambda may wrap one.
    return async_to_sync(_within)(result, seconds) if iscoroutine(result) else result


async def _within(coroutine: Coroutine[Any, Any, Any], seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds) as limit:
            return await coroutine
    except TimeoutError:
        if limit.expired():
            raise AsyncHandlerTimedOut from None
        raise


def interrupt(thread: threading.Thread) -> None:
    """Raise HandlerTimedOut in a thread as soon as it runs Python again.

    A thread that waits inside the operating system or a C library cannot be reached: it is left behind as a daemon.
    """
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(HandlerTimedOut)
        )
