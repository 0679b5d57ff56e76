import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from bots.connections.observer import SlotObserver
from bots.connections.reports import SlotReports
from bots.connections.signal_thread import SignalThread
from bots.connections.slots import WantedSlot, write_reports
from bots.enums import SlotState
from bots.models import ConnectionSlot
from core.database.thread import DatabaseThread
from feishu.errors import ConnectError, TransportError
from feishu.reasons import Reason
from tests.factories import make_bot
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def database() -> AsyncIterator[DatabaseThread]:
    thread = DatabaseThread("test-db")
    yield thread
    await thread.close()


def slots_held_by(holder: UUID) -> list[ConnectionSlot]:
    slots = [make_bot().slots.get() for _ in range(2)]
    ConnectionSlot.objects.update(holder=holder)
    return slots


def observer(slot: ConnectionSlot, reports: SlotReports) -> SlotObserver:
    return SlotObserver(
        WantedSlot(slot.pk, slot.bot_id, "cli_1", (), number=slot.number),
        held=True,
        node="a",
        reports=reports,
        signal_thread=SignalThread(),
        on_received=lambda: None,
    )


@pytest.mark.parametrize(
    "error",
    [
        ConnectError("a NUL \x00", code=1),
        ConnectError("half a pair \ud83d", code=1),
        ConnectError("a code of its own", code=10**30),
    ],
    ids=["NUL", "surrogate", "code"],
)
async def test_report_that_no_column_takes_holds_up_nobody_elses(database, error):
    holder = uuid4()
    refused, well = await database.run(slots_held_by, holder)
    reports = SlotReports(database, holder=holder)
    observer(refused, reports).failed(error, attempt=1, fatal=True, retry_in=60)
    observer(well, reports).connected("device")
    await reports.flush()
    await database.run(well.refresh_from_db)
    assert well.state == SlotState.CONNECTED


async def test_reason_with_a_nul_is_shown_without_it(database):
    holder = uuid4()
    refused, _ = await database.run(slots_held_by, holder)
    reports = SlotReports(database, holder=holder)
    observer(refused, reports).failed(ConnectError("refu\x00sed", code=1), attempt=1, fatal=True, retry_in=60)
    await reports.flush()
    await database.run(refused.refresh_from_db)
    assert (refused.state, refused.error_message) == (SlotState.ERROR, "refused (code 1)")


async def test_failure_without_a_code_is_stored_by_its_reason_and_not_by_our_words(database):
    holder = uuid4()
    slot, _ = await database.run(slots_held_by, holder)
    reports = SlotReports(database, holder=holder)
    watching = observer(slot, reports)
    watching.failed(
        TransportError("[Errno -2] Name or service not known", reason=Reason.DNS),
        attempt=1,
        fatal=False,
        retry_in=1,
    )
    await reports.flush()
    await database.run(slot.refresh_from_db)
    assert (slot.error_reason, slot.error_message) == ("dns", "")
    assert slot.problem.cause.zh_cn == "无法解析平台的域名"
    watching.connected("device")
    await reports.flush()
    await database.run(slot.refresh_from_db)
    assert (slot.error_reason, slot.problem) == ("", None)


async def test_what_is_under_way_at_the_end_is_written_and_so_is_what_comes_with_it(database, monkeypatch):
    holder = uuid4()
    first, second = await database.run(slots_held_by, holder)
    monkeypatch.setattr("bots.connections.reports.WRITE_EVERY", 0.001)
    reports = SlotReports(database, holder=holder)
    busy, is_writing = threading.Event(), threading.Event()

    def write(*arguments: Any, **values: Any) -> None:
        is_writing.set()
        assert busy.wait(PATIENCE)
        write_reports(*arguments, **values)

    monkeypatch.setattr("bots.connections.reports.write_reports", write)
    running = asyncio.create_task(reports.run())
    observer(first, reports).connected("device")
    assert await asyncio.to_thread(is_writing.wait, PATIENCE)
    observer(second, reports).connected("device")
    reports.stop()
    busy.set()
    async with asyncio.timeout(PATIENCE):
        await running
    await database.run(first.refresh_from_db)
    await database.run(second.refresh_from_db)
    assert [first.state, second.state] == [SlotState.CONNECTED] * 2


async def test_error_that_nobody_thought_of_ends_neither_the_writer_nor_the_process(
    database, monkeypatch, caplog
):
    holder = uuid4()
    slot, _ = await database.run(slots_held_by, holder)
    reports = SlotReports(database, holder=holder)
    observed = observer(slot, reports)
    with monkeypatch.context() as broken:
        broken.setattr("bots.connections.reports.write_reports", raise_runtime_error)
        observed.connected("device")
        await reports.flush()
    assert "notes_failed" in caplog.text
    observed.restate()
    await reports.flush()
    await database.run(slot.refresh_from_db)
    assert slot.state == SlotState.CONNECTED


def raise_runtime_error(*_arguments: object, **_values: object) -> None:
    raise RuntimeError
