"""SIGTERM and SIGINT: as an event, and beside a server that handles them."""

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

ENDING: Final = (signal.SIGTERM, signal.SIGINT)


def stop_on_signals(stop: asyncio.Event, *, on_stop: Callable[[], object] = lambda: None) -> None:
    """Set ``stop`` and call ``on_stop`` when the process is asked to end; a second signal ends it the hard way."""
    loop = asyncio.get_running_loop()

    def ask_to_stop(number: int) -> None:
        stop.set()
        on_stop()
        loop.remove_signal_handler(number)

    for number in ENDING:
        loop.add_signal_handler(number, ask_to_stop, number)


def also_on_signals(on_stop: Callable[[], object]) -> None:
    """Call ``on_stop`` before the handlers that the server has set, which ends when its requests have. It takes its handlers back
    itself. Nothing on another thread than the first, which alone gets signals."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in ENDING:
        handler = signal.getsignal(number)
        if not callable(handler):
            continue  # nobody waits for requests that are under way

        def first(number: int, frame: FrameType | None, then: Callable[..., object] = handler) -> None:
            on_stop()
            then(number, frame)

        signal.signal(number, first)
