"""The event loop of a process that holds connections: uvloop's, which uvicorn brings along, where the system has it.

It does the same with less of the processor. Which loop runs is decided in here, and nothing else may depend on it: on some
systems it is asyncio's own. See docs/adr/0019-uvloop.md.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any


def run(main: Coroutine[Any, Any, None]) -> None:
    """``asyncio.run`` on the quickest loop there is."""
    try:
        import uvloop  # noqa: PLC0415 -- not made for every system
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)
