"""What happens to an event is counted, in series that no sender can multiply."""

import asyncio
import json
import uuid

import pytest

from bots.metrics import name_bot
from events import metrics
from events.enums import Arrived
from events.handling import registry
from events.ingress import writer
from events.ingress.incoming import read_event
from events.ingress.writer import Intake
from tests.core.metrics.scraping import series, value
from tests.events.handler_runs import until, write
from tests.factories import make_bot, message_event

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_series")]


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    monkeypatch.setattr(writer, "notify_worker", lambda: True)


def typed(bot, event_type):
    header = {"event_id": uuid.uuid4().hex, "event_type": event_type, "app_id": bot.app_id}
    body = json.dumps({"schema": "2.0", "header": header, "event": {}}).encode()
    return read_event(bot_id=bot.pk, payload=body, arrived_by=Arrived.WEBSOCKET)


async def stored(events):
    async with Intake() as intake:
        await asyncio.gather(*map(intake.submit, events))


async def test_event_and_its_repetition_are_counted_by_bot_transport_and_type(database):
    bot = await database.run(make_bot)
    name_bot(bot.pk, bot.app_id)
    body = json.dumps(message_event()).encode()
    event = read_event(bot_id=bot.pk, payload=body, arrived_by=Arrived.WEBSOCKET)
    acks = value("feishu_event_ack_seconds_count", "websocket")
    await stored([event, event])
    labels = (bot.app_id, "websocket", "im.message.receive_v1")
    assert value("feishu_events_received_total", *labels) == 2
    assert value("feishu_events_duplicate_total", bot.app_id) == 1
    assert value("feishu_event_ack_seconds_count", "websocket") == acks + 2


async def test_a_thousand_odd_types_give_few_series(database):
    bot = await database.run(make_bot)
    name_bot(bot.pk, bot.app_id)
    await stored([typed(bot, f"odd.type_{number}_v1") for number in range(1_000)])
    own = {
        labels: count
        for labels, count in series("feishu_events_received_total").items()
        if labels[0] == bot.app_id
    }
    assert len(own) <= metrics.MAX_TYPES + 1
    assert sum(own.values()) == 1_000


def test_handler_is_counted_by_how_it_ended(make_worker, own_handlers):
    @registry.on("*", name="fine")
    def fine(event, bot):
        pass

    @registry.on("*", name="broken", retries=0)
    def broken(event, bot):
        raise ValueError

    def counts():
        return (
            value("feishu_handler_seconds_count", "fine"),
            value("feishu_handler_attempts_total", "fine"),
            value("feishu_handler_attempts_total", "broken"),
            value("feishu_handler_failures_total", "broken", "raised"),
            value("feishu_handler_dead_total", "broken"),
            value("feishu_event_handled_seconds_count"),
        )

    before = counts()
    write()
    make_worker()
    until(lambda: counts() == tuple(count + 1 for count in before), "both are counted")


def test_outcomes_are_there_before_the_first_of_them_is_counted():
    assert {("succeeded",), ("retrying",), ("dead",), ("fetched",)} <= series(
        "feishu_deliveries_total"
    ).keys()
    assert {("refused",), ("live",)} <= series("feishu_shed_work_total").keys()
