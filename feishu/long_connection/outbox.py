"""Frames waiting to be written: whatever has piled up goes out in one write."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn


class FrameOutbox:
    """One writer, any number of putters, all in one event loop. Putting never waits; `wait_for_room` does."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._frames: list[bytes] = []
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()

    def put(self, frame: bytes) -> None:
        """Have a frame written soon."""
        self._frames.append(frame)
        self._filled.set()
        self._emptied.clear()

    @property
    def full(self) -> bool:
        return len(self._frames) >= self._limit

    async def wait_for_room(self) -> None:
        """Wait until everything put so far has been written."""
        await self._emptied.wait()

    async def write_all(
        self, write: Callable[[Sequence[bytes]], Awaitable[None]], seconds: float
    ) -> NoReturn:
        """Write for ever; ends only by an exception, TimeoutError if one write takes longer than that."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            frames, self._frames = self._frames, []
            async with asyncio.timeout(seconds):
                await write(frames)
            if not self._frames:
                self._emptied.set()
