"""The event loop of a process that listens: uvloop's, which uvicorn brings along, where the system has it."""

import asyncio
from collections.abc import Coroutine
from typing import Any


def run(main: Coroutine[Any, Any, None]) -> None:
    """Like ``asyncio.run``."""
    try:
        import uvloop  # noqa: PLC0415 -- not made for every system
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)
