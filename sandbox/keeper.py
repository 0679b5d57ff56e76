"""The file that the world is kept in: read at the start, written while the sandbox runs and when it stops."""

import asyncio
import contextlib
import logging
import os
from pathlib import Path
from typing import Final

import msgspec

from sandbox.world.snapshot import restore, snapshot_of
from sandbox.world.world import World

SECONDS: Final = 3.0
"""Between two looks for what has changed; so much is lost when the process is killed."""

logger = logging.getLogger("sandbox")


class Keeper:
    """Keeps a world in `file`, readable by the owner alone: it has secrets and tokens in it."""

    def __init__(self, world: World, file: Path) -> None:
        self._world = world
        self._file = file
        self._written = b""
        self._complained = False
        self._stopping = asyncio.Event()

    def load(self) -> None:
        """Fill the world from the file. One that cannot be understood is set aside, and the world begins empty."""
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            logger.warning("sandbox_file_not_read", extra={"error": str(error)})
            return
        try:
            restore(self._world, content)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            self._world.reset()
            aside = self._file.with_name(f"{self._file.name}.unreadable")
            with contextlib.suppress(OSError):
                self._file.replace(aside)
            logger.warning("sandbox_file_set_aside", extra={"aside": str(aside), "error": str(error)})

    async def run(self) -> None:
        """Write the file whenever the world has changed, until `stop`, and once more then."""
        stops = False
        while not stops:
            with contextlib.suppress(TimeoutError):
                stops = await asyncio.wait_for(self._stopping.wait(), SECONDS)
            content = snapshot_of(self._world)
            if content != self._written:
                await asyncio.to_thread(self._write, content)

    def stop(self) -> None:
        self._stopping.set()

    def _write(self, content: bytes) -> None:
        """All of it or nothing. A disk that takes nothing is told of once, and does the sandbox no harm."""
        part = self._file.with_name(f"{self._file.name}.part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
                target.write(content)
                target.flush()
                os.fsync(target.fileno())
            part.replace(self._file)
        except OSError as error:
            if not self._complained:
                logger.warning("sandbox_file_not_written", extra={"error": str(error)})
            self._complained = True
            return
        self._written, self._complained = content, False
