import asyncio
import os
import signal
import threading

import pytest

from feishu_portal.runtime.signals import also_on_signals, stop_on_signals
from tests.services.processes import PATIENCE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_first_signal_asks_to_stop_and_a_second_one_would_end_the_process(number: signal.Signals) -> None:
    async def run() -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), PATIENCE)
        loop = asyncio.get_running_loop()
        assert not loop.remove_signal_handler(number)
        for other in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(other)

    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    try:
        asyncio.run(run())
    finally:
        for each, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(each, handler)


def test_signal_is_noted_beside_the_handler_of_a_server() -> None:
    heard: list[object] = []
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    try:
        signal.signal(signal.SIGTERM, lambda number, _frame: heard.append(number))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        also_on_signals(lambda: heard.append("asked"))
        signal.raise_signal(signal.SIGTERM)
        assert heard == ["asked", signal.SIGTERM]
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        for each, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(each, handler)


def test_server_on_another_thread_gets_no_signals_anyway() -> None:
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=also_on_signals, args=(lambda: None,))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) == before
