"""``runfeishu`` with a meter in its event loop: ``python -m bench.metered_listener FILE [runfeishu's arguments]``.

Every five milliseconds a task asks to be woken; by how much that comes too late is how long something else held the
loop. FILE gets one line a sample: the time of the epoch, the lag, and the loop's own work, all in seconds: how much of
the processor its thread has used meanwhile, and collections of garbage on whichever thread, because every other stands
still for them. On a machine that is busy with other things, own work is what counts.
"""

import asyncio
import contextlib
import gc
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from django.core.management import execute_from_command_line

STEP = 0.005
"""Seconds between samples."""


class Elsewhere:
    """What collections of garbage on other threads than the one that makes this have used of the processor."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._here = threading.get_ident()
        self._begun = 0.0
        gc.callbacks.append(self._note)

    def _note(self, phase: str, _info: dict[str, int]) -> None:
        if threading.get_ident() == self._here:
            return
        if phase == "start":
            self._begun = time.thread_time()
        else:
            self.seconds += time.thread_time() - self._begun


async def measure(file: Path) -> None:
    """Sample until cancelled; lines are written in blocks, which takes well under a millisecond."""
    loop, elsewhere = asyncio.get_running_loop(), Elsewhere()

    def work() -> float:
        return time.thread_time() + elsewhere.seconds

    lines: list[str] = []
    with file.open("a") as out:
        while True:
            due, used = loop.time() + STEP, work()
            await asyncio.sleep(STEP)
            lag, used = max(0.0, loop.time() - due), work() - used
            lines.append(f"{time.time():.3f} {lag:.6f} {used:.6f}\n")
            if len(lines) >= 100:
                out.writelines(lines)
                out.flush()
                lines.clear()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")
    file, arguments = Path(sys.argv[1]), sys.argv[2:]

    import django  # noqa: PLC0415 -- after the settings are named

    django.setup()
    from feishu_portal.management.commands import runfeishu  # noqa: PLC0415 -- after Django is set up

    listen = runfeishu.listen

    async def metered(**options: Any) -> None:
        meter = asyncio.create_task(measure(file))
        try:
            await listen(**options)
        finally:
            meter.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await meter

    runfeishu.listen = metered
    execute_from_command_line(["manage.py", "runfeishu", *arguments])


if __name__ == "__main__":
    main()
