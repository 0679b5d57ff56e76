import asyncio
import json

import pytest
from django.db import OperationalError

from events import intake as intake_module
from events.arrivals import arrival
from events.enums import Arrived
from events.intake import MAX_BATCH, Intake
from events.models import Event
from tests.factories import make_bot, message_event

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hinted(monkeypatch) -> list[int]:
    pks: list[int] = []
    monkeypatch.setattr(intake_module, "hint_dispatch", pks.extend)
    return pks


def arrivals(bot, count: int):
    return [
        arrival(bot_id=bot.pk, payload=json.dumps(message_event()).encode(), arrived_by=Arrived.WEBSOCKET)
        for _ in range(count)
    ]


async def test_submit_returns_when_the_event_is_committed(database, hinted):
    bot = await database.run(make_bot)
    async with Intake() as intake:
        [stored] = await asyncio.gather(*map(intake.submit, arrivals(bot, 1)))
        assert await database.run(Event.objects.filter(pk=stored.event_pk).exists)


async def test_what_piles_up_is_written_in_batches(database, hinted, monkeypatch):
    sizes = []
    store = intake_module.store
    monkeypatch.setattr(intake_module, "store", lambda batch: sizes.append(len(batch)) or store(batch))
    bot = await database.run(make_bot)
    async with Intake() as intake:
        await asyncio.gather(*map(intake.submit, arrivals(bot, 600)))
    assert sum(sizes) == 600
    assert max(sizes) <= MAX_BATCH
    assert len(sizes) <= 5


async def test_workers_are_told_of_every_new_event(database, hinted):
    bot = await database.run(make_bot)
    async with Intake() as intake:
        stored = await asyncio.gather(*map(intake.submit, arrivals(bot, 5)))
        async with asyncio.timeout(5):
            while len(hinted) < 5:
                await asyncio.sleep(0.01)
    assert sorted(hinted) == sorted(one.event_pk for one in stored)


async def test_database_error_reaches_everybody_who_waits_and_the_writer_goes_on(
    database, hinted, monkeypatch
):
    store, broken = intake_module.store, [True]

    def sometimes(batch):
        if broken:
            raise OperationalError("gone")
        return store(batch)

    monkeypatch.setattr(intake_module, "store", sometimes)
    bot = await database.run(make_bot)
    async with Intake() as intake:
        results = await asyncio.gather(*map(intake.submit, arrivals(bot, 3)), return_exceptions=True)
        assert all(isinstance(result, OperationalError) for result in results)
        broken.clear()
        assert (await intake.submit(arrivals(bot, 1)[0])).is_new
