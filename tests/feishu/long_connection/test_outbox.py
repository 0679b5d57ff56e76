import asyncio
from collections.abc import Sequence

import pytest

from feishu.long_connection.outbox import FrameOutbox
from tests.feishu.long_connection.fake_gateway import PATIENCE


async def test_frames_that_pile_up_are_written_together():
    outbox, written = FrameOutbox(limit=10), []

    async def write(frames: Sequence[bytes]) -> None:
        written.append(list(frames))

    outbox.put(b"a")
    outbox.put(b"b")
    writer = asyncio.create_task(outbox.write_all(write, 1))
    async with asyncio.timeout(PATIENCE):
        await outbox.wait_for_room()
        outbox.put(b"c")
        await outbox.wait_for_room()
    writer.cancel()
    assert written == [[b"a", b"b"], [b"c"]]


async def test_a_full_outbox_has_room_once_all_is_written():
    outbox, release = FrameOutbox(limit=2), asyncio.Event()

    async def write(_frames: Sequence[bytes]) -> None:
        await release.wait()

    outbox.put(b"a")
    assert not outbox.full
    outbox.put(b"b")
    assert outbox.full
    writer = asyncio.create_task(outbox.write_all(write, PATIENCE))
    room = asyncio.create_task(outbox.wait_for_room())
    await asyncio.sleep(0.01)
    assert not room.done()
    release.set()
    async with asyncio.timeout(PATIENCE):
        await room
    assert not outbox.full
    writer.cancel()


async def test_a_write_that_takes_too_long_ends_the_writing():
    outbox = FrameOutbox(limit=2)

    async def write(_frames: Sequence[bytes]) -> None:
        await asyncio.sleep(3600)

    outbox.put(b"a")
    with pytest.raises(TimeoutError):
        await outbox.write_all(write, 0.01)
