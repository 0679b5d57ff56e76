"""One connection's story, as its row and its history tell it."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone

from bots.connections.observer import SlotObserver
from bots.connections.reports import SlotReports
from bots.connections.signal_thread import SignalThread
from bots.connections.slots import WantedSlot
from bots.enums import LossReason
from bots.models import ConnectionLoss, ConnectionSlot
from core.database.thread import DatabaseThread
from feishu.errors import ConnectError, FeishuError, TransportError
from feishu.long_connection.ending import STOPPED, ConnectionEnding, EndKind
from tests.core.metrics.scraping import value
from tests.factories import make_bot

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = ConnectError("app secret invalid", code=1000040345)


class Story:
    """A held slot, its observer, and what is in the database once it is written."""

    def __init__(self, database: DatabaseThread) -> None:
        self.database = database
        self.holder = uuid4()

    async def begin(self, *, held: bool = True) -> SlotObserver:
        self.slot = await self.database.run(self._slot)
        self.reports = SlotReports(self.database, holder=self.holder)
        wanted = WantedSlot(self.slot.pk, self.slot.bot_id, "cli_1", (), number=self.slot.number)
        self.observer = SlotObserver(
            wanted,
            held=held,
            node="a",
            reports=self.reports,
            signal_thread=SignalThread(),
            on_received=lambda: None,
        )
        return self.observer

    def _slot(self) -> ConnectionSlot:
        make_bot()
        ConnectionSlot.objects.update(holder=self.holder)
        return ConnectionSlot.objects.get()

    async def written(self) -> ConnectionSlot:
        await self.reports.flush()
        await self.database.run(self.slot.refresh_from_db)
        return self.slot

    async def losses(self) -> list[tuple[Any, ...]]:
        await self.reports.flush()
        rows = ConnectionLoss.objects.order_by("pk").values_list("reason", "code", "message")
        return await self.database.run(lambda: list(rows))


@pytest.fixture
async def story() -> AsyncIterator[Story]:
    database = DatabaseThread("test-db")
    yield Story(database)
    await database.close()


def failed(observer: SlotObserver, error: FeishuError, *, fatal: bool = False) -> None:
    observer.failed(error, attempt=1, fatal=fatal, retry_in=60)


async def test_heartbeats_are_told_with_their_figures_and_begin_again_with_the_connection(story):
    observer = await story.begin()
    observer.connected("device")
    for interval in (None, 30.0, 42.0):
        observer.heartbeat(interval, expected=30)
    slot = await story.written()
    assert (slot.heartbeats, slot.heartbeat_intervals) == (3, [30.0, 42.0])
    assert (slot.heartbeat_average, slot.heartbeat_deviation, slot.is_unsteady) == (36.0, 6.0, True)
    observer.disconnected(ConnectionEnding(EndKind.NETWORK))
    observer.connected("device")
    slot = await story.written()
    assert (slot.heartbeats, slot.heartbeat_intervals, slot.heartbeat_deviation) == (0, [], None)


@pytest.mark.parametrize(
    ("ending", "loss"),
    [
        (ConnectionEnding(EndKind.SILENT, "silent for 250 s"), (LossReason.SILENT, None, "silent for 250 s")),
        (ConnectionEnding(EndKind.CLOSED, "going away", 1001), (LossReason.CLOSED, 1001, "going away")),
        (ConnectionEnding(EndKind.NETWORK, "cut"), (LossReason.NETWORK, None, "cut")),
        (ConnectionEnding(EndKind.ERROR, "internal error"), (LossReason.ERROR, None, "internal error")),
    ],
)
async def test_loss_is_kept_with_its_reason(story, ending, loss):
    observer = await story.begin()
    observer.connected("device")
    observer.disconnected(ending)
    assert await story.losses() == [loss]
    kept = await story.database.run(ConnectionLoss.objects.get)
    assert (kept.bot_id, kept.number, kept.node) == (story.slot.bot_id, 1, "a")
    assert 0 <= kept.lasted < 20


@pytest.mark.parametrize("cause", [LossReason.MOVED, LossReason.CHANGED, LossReason.SLEPT, LossReason.ASKED])
async def test_planned_end_is_kept_with_what_it_was_planned_for(story, cause):
    observer = await story.begin()
    observer.connected("device")
    observer.cause = cause
    observer.disconnected(STOPPED)
    assert await story.losses() == [(cause, None, "")]


async def test_failures_are_kept_once_for_an_outage_and_a_code(story):
    observer = await story.begin()
    failed(observer, TransportError("no route"))
    for _ in range(3):
        failed(observer, REFUSED, fatal=True)
    observer.connected("device")
    failed(observer, REFUSED, fatal=True)
    refused = (LossReason.REFUSED, 1000040345, str(REFUSED))
    assert await story.losses() == [(LossReason.NETWORK, None, "no route"), refused, refused]


async def test_what_never_held_the_slot_has_nothing_to_lose(story):
    observer = await story.begin(held=False)
    observer.connected("device")
    observer.disconnected(ConnectionEnding(EndKind.NETWORK))
    failed(observer, REFUSED)
    assert await story.losses() == []


async def test_time_of_the_fall_survives_the_attempts_until_the_connection_stands_again(story):
    observer = await story.begin()
    observer.connected("device")
    observer.disconnected(ConnectionEnding(EndKind.NETWORK))
    fell = (await story.written()).down_since
    assert fell is not None
    observer.connecting()
    failed(observer, REFUSED, fatal=True)
    assert (await story.written()).down_since == fell
    observer.connected("device")
    assert (await story.written()).down_since is None


async def test_losses_wait_for_a_database_that_is_away(story, monkeypatch):
    observer = await story.begin()
    observer.connected("device")
    observer.disconnected(ConnectionEnding(EndKind.NETWORK))
    run = story.database.run

    async def away(*_arguments: Any, **_values: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(story.database, "run", away)
    await story.reports.flush()
    monkeypatch.setattr(story.database, "run", run)
    assert [reason for reason, *_ in await story.losses()] == [LossReason.NETWORK]


async def test_losses_of_a_bot_that_is_gone_hold_up_nobody_elses(story):
    observer = await story.begin()
    observer.connected("device")
    story.reports.lost(ConnectionLoss(bot_id=uuid4(), number=1, at=timezone.now(), reason="silent"))
    observer.disconnected(ConnectionEnding(EndKind.NETWORK))
    assert [reason for reason, *_ in await story.losses()] == [LossReason.NETWORK]


async def test_log_lines_name_bot_connection_and_process(story, caplog):
    observer = await story.begin()
    with caplog.at_level("INFO", logger="bots.connections.observer"):
        observer.connected("d1")
        observer.disconnected(STOPPED)
        failed(observer, REFUSED)
    names = [record.getMessage() for record in caplog.records]
    assert names == ["connection_up", "connection_closed", "connection_failed"]
    ids = {"app_id": "cli_1", "connection": 1, "node": "a"}
    assert all(ids.items() <= vars(record).items() for record in caplog.records)


async def test_next_attempt_is_told_until_it_begins(story):
    observer = await story.begin()
    observer.connecting()
    observer.connected("d1")
    observer.disconnected(ConnectionEnding(EndKind.CLOSED, code=1001))
    before = timezone.now()
    observer.waiting(30.0)
    slot = await story.written()
    assert slot.next_attempt_at is not None
    assert 25 < (slot.next_attempt_at - before).total_seconds() < 60
    observer.connecting()
    assert (await story.written()).next_attempt_at is None


@pytest.mark.usefixtures("own_series")
async def test_losses_and_failures_are_counted_for_the_bot(story):
    reconnects, failures = "feishu_connection_reconnects_total", "feishu_connection_failures_total"
    before = value(reconnects, "cli_1", "silent"), value(failures, "cli_1", "refused")
    observer = await story.begin()
    observer.connected("device")
    observer.disconnected(ConnectionEnding(EndKind.SILENT))
    failed(observer, REFUSED)
    observer.disconnected(STOPPED)
    after = value(reconnects, "cli_1", "silent"), value(failures, "cli_1", "refused")
    assert after == (before[0] + 1, before[1] + 1)
