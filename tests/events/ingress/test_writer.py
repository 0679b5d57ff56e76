import asyncio
import json

import pytest
from django.db import OperationalError
from django.db.models import Sum

from events.enums import Arrived, OptionalWork
from events.ingress import shedding, writer
from events.ingress.incoming import read_event
from events.ingress.writer import MAX_BATCH, Intake
from events.models import Event, ShedCount
from tests.factories import make_bot, message_event
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def notified(monkeypatch) -> list[str]:
    pokes: list[str] = []
    monkeypatch.setattr(writer, "notify_worker", lambda: pokes.append("poke") or True)
    return pokes


def incoming(bot, count: int):
    return [
        read_event(bot_id=bot.pk, payload=json.dumps(message_event()).encode(), arrived_by=Arrived.WEBSOCKET)
        for _ in range(count)
    ]


async def test_submit_returns_when_the_event_is_committed(database, notified):
    bot = await database.run(make_bot)
    async with Intake() as intake:
        [stored] = await asyncio.gather(*map(intake.submit, incoming(bot, 1)))
        assert await database.run(Event.objects.filter(pk=stored.event_pk).exists)


async def test_what_piles_up_is_written_in_batches(database, notified, monkeypatch):
    sizes = []
    store = writer.store
    monkeypatch.setattr(
        writer, "store", lambda batch, **options: sizes.append(len(batch)) or store(batch, **options)
    )
    bot = await database.run(make_bot)
    async with Intake() as intake:
        await asyncio.gather(*map(intake.submit, incoming(bot, 600)))
    assert sum(sizes) == 600
    assert max(sizes) <= MAX_BATCH
    assert len(sizes) <= 5


async def test_workers_are_notified_of_new_events(database, notified):
    bot = await database.run(make_bot)
    async with Intake() as intake:
        await asyncio.gather(*map(intake.submit, incoming(bot, 5)))
        async with asyncio.timeout(PATIENCE):
            while not notified:
                await asyncio.sleep(0.01)


async def test_optional_work_is_shed_under_load_and_counted_but_no_event_is(database, notified, monkeypatch):
    monkeypatch.setattr(writer, "OVERLOADED", 3)
    monkeypatch.setattr(writer, "MAX_BATCH", 5)
    bot = await database.run(make_bot)
    pushed = incoming(bot, 30)
    async with Intake() as intake:
        await asyncio.gather(*map(intake.submit, pushed + pushed))
    assert await database.run(Event.objects.count) == 30
    counts = await database.run(lambda: dict(ShedCount.objects.values_list("work", "count")))
    counted = await database.run(lambda: Event.objects.aggregate(Sum("duplicates"))["duplicates__sum"])
    assert counts[OptionalWork.DUPLICATES] + counted == 30
    assert counts[OptionalWork.DUPLICATES] > 0
    assert counts.get(OptionalWork.NOTICES, 0) > 0


async def test_refused_events_are_counted_when_the_database_is_back(database, notified, monkeypatch):
    def away(batch, **options):
        raise OperationalError

    bot = await database.run(make_bot)
    with monkeypatch.context() as patch:
        patch.setattr(writer, "store", away)
        async with Intake() as intake:
            [one] = incoming(bot, 1)
            with pytest.raises(OperationalError):
                await intake.submit(one)
    assert (await database.run(ShedCount.objects.get)).work == OptionalWork.REFUSED


async def test_counts_are_written_while_the_portal_runs(database, monkeypatch):
    monkeypatch.setattr(shedding, "WRITE_EVERY", 0.01)
    monkeypatch.setattr(writer, "notify_worker", lambda: False)
    bot = await database.run(make_bot)
    async with Intake() as intake:
        await asyncio.gather(*map(intake.submit, incoming(bot, 1)))
        async with asyncio.timeout(PATIENCE):
            while not await database.run(ShedCount.objects.filter(work=OptionalWork.NOTICES).exists):
                await asyncio.sleep(0.01)


async def test_database_error_reaches_everybody_who_waits_and_the_writer_goes_on(
    database, notified, monkeypatch
):
    store, broken = writer.store, [True]

    def sometimes(batch, **options):
        if broken:
            raise OperationalError("gone")
        return store(batch, **options)

    monkeypatch.setattr(writer, "store", sometimes)
    bot = await database.run(make_bot)
    async with Intake() as intake:
        results = await asyncio.gather(*map(intake.submit, incoming(bot, 3)), return_exceptions=True)
        assert all(isinstance(result, OperationalError) for result in results)
        broken.clear()
        assert (await intake.submit(incoming(bot, 1)[0])).is_new
