import asyncio
import os
import signal

import pytest

from feishu_portal.runtime.signals import stop_on_signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_first_signal_asks_to_stop_and_a_second_one_would_end_the_process(number: signal.Signals) -> None:
    async def run() -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), 10)
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
