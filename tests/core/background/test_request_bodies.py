"""What happens between two steps of the event loop; the bounds themselves are tested where servers read."""

import asyncio
import time

import pytest
from starlette.requests import Request

from core.background import request_bodies
from core.background.request_bodies import BodyReader, BodyTooSlowError
from tests.services.processes import PATIENCE

SECONDS = 2 * PATIENCE


class Body:
    """A request whose chunks arrive when the test says so."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self.request = Request(
            {"type": "http", "headers": [], "client": ("192.0.2.1", 1)}, self._messages.get
        )

    def arrive(self, chunk: bytes, *, more: bool) -> None:
        self._messages.put_nowait({"type": "http.request", "body": chunk, "more_body": more})


def read(reader: BodyReader, body: Body) -> "asyncio.Task[bytes]":
    """Of four bodies that may be under way one may be from this address."""
    return asyncio.create_task(
        reader.read(body.request, limit=1_000, places=4, seconds=SECONDS, first_seconds=SECONDS)
    )


@pytest.fixture(autouse=True)
def none_is_young(monkeypatch):
    monkeypatch.setattr(request_bodies, "YOUNG_SECONDS", 0.0)


async def test_body_that_begins_as_another_one_expires_is_read():
    reader, slow, whole = BodyReader(), Body(), Body()
    late = read(reader, slow)
    await asyncio.sleep(0)
    [patience] = reader._under_way
    patience.reschedule(asyncio.get_running_loop().time())
    reading = read(reader, whole)  # its first step comes before the other task knows that its time is up
    whole.arrive(b"whole", more=False)
    assert await reading == b"whole"
    with pytest.raises(BodyTooSlowError):
        await late


async def test_body_that_gives_way_is_not_kept_by_a_chunk_in_the_same_moment():
    reader, slow, whole = BodyReader(), Body(), Body()
    late = read(reader, slow)
    await asyncio.sleep(0)
    reading = read(reader, whole)
    slow.arrive(b"one more byte", more=True)
    whole.arrive(b"whole", more=False)
    assert await reading == b"whole"
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(BodyTooSlowError):
            await late


async def test_body_that_came_while_the_loop_was_held_up_is_read():
    reader, body, loop = BodyReader(), Body(), asyncio.get_running_loop()
    reading = asyncio.create_task(
        reader.read(body.request, limit=1_000, places=4, seconds=SECONDS, first_seconds=0.1)
    )
    await asyncio.sleep(0)
    loop.call_later(0.05, lambda: body.arrive(b"in time", more=False))
    time.sleep(0.45)  # noqa: ASYNC251 -- what a busy machine does to a process
    assert await reading == b"in time"


async def test_body_that_never_comes_is_late_however_busy_the_loop_is(monkeypatch):
    monkeypatch.setattr(request_bodies, "HELD_UP_SECONDS", 0.0)  # each wait counts as held up
    reader, body = BodyReader(), Body()
    with pytest.raises(BodyTooSlowError):
        await reader.read(body.request, limit=1_000, places=4, seconds=SECONDS, first_seconds=0.01)
    assert not reader._under_way
