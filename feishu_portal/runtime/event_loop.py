"""The event loop of a process that holds connections: uvloop's, which uvicorn brings along, where the system has it.

It does the same with less of the processor. Which loop runs is decided in here, and nothing else may depend on it: on some
systems it is asyncio's own. See docs/adr/0019-uvloop.md.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

from bots.enums import ProcessPart
from core.background.vitals import vitals

TICK: Final = 5.0
"""Seconds between two signs of life of an event loop."""
HANGS_AFTER: Final = 30.0
"""Seconds without one: by then callbacks have long missed their 2.5 s, and pings theirs."""


def run(main: Coroutine[Any, Any, None]) -> None:
    """``asyncio.run`` on the quickest loop there is."""
    try:
        import uvloop  # noqa: PLC0415 -- not made for every system
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


@contextmanager
def watched_loop() -> Iterator[None]:
    """While the block runs, an event loop that hangs makes the process less than live."""
    loop = asyncio.get_running_loop()
    handle: asyncio.TimerHandle

    def tick() -> None:
        nonlocal handle
        vitals.passed(ProcessPart.EVENT_LOOP)
        handle = loop.call_later(TICK, tick)

    with vitals.under_way(ProcessPart.EVENT_LOOP, within=HANGS_AFTER):
        handle = loop.call_later(TICK, tick)
        try:
            yield
        finally:
            handle.cancel()
