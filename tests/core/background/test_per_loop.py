import asyncio
from contextlib import asynccontextmanager

import pytest

from core.background.per_loop import PerLoop


class Opened:
    """What was opened and closed, in order."""

    def __init__(self) -> None:
        self.story: list[str] = []
        self.fails = False

    @asynccontextmanager
    async def service(self):
        if self.fails:
            raise RuntimeError("cannot open")
        self.story.append("opened")
        try:
            yield object()
        finally:
            self.story.append("closed")


def test_loop_has_one_service_that_closes_when_asked():
    opened = Opened()
    services = PerLoop(opened.service, name="test")

    async def use():
        first, second = await asyncio.gather(services.current(), services.current())
        assert first is second
        await services.close()
        assert opened.story == ["opened", "closed"]
        assert await services.current() is not first
        await services.close()

    asyncio.run(use())
    assert opened.story == ["opened", "closed"] * 2


def test_service_closes_with_its_loop():
    opened = Opened()
    services = PerLoop(opened.service, name="test")
    asyncio.run(services.current())
    assert opened.story == ["opened", "closed"]


def test_another_loop_has_another_service():
    opened = Opened()
    services = PerLoop(opened.service, name="test")
    assert asyncio.run(services.current()) is not asyncio.run(services.current())


def test_service_that_cannot_be_opened_says_so_to_everybody_and_is_tried_again():
    opened = Opened()
    services = PerLoop(opened.service, name="test")

    async def use():
        opened.fails = True
        for _ in range(2):
            with pytest.raises(RuntimeError, match="cannot open"):
                await services.current()
            await asyncio.sleep(0)
        opened.fails = False
        await services.current()

    asyncio.run(use())
    assert opened.story == ["opened", "closed"]


def test_caller_that_goes_away_takes_nothing_from_the_others():
    opened = Opened()
    services = PerLoop(opened.service, name="test")

    async def use():
        impatient = asyncio.create_task(services.current())
        patient = asyncio.create_task(services.current())
        await asyncio.sleep(0)
        impatient.cancel()
        return await patient

    assert asyncio.run(use()) is not None


def test_closing_what_was_never_opened_does_nothing():
    asyncio.run(PerLoop(Opened().service, name="test").close())
