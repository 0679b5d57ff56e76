import asyncio
import logging
from types import SimpleNamespace
from uuid import uuid4

from structlog.contextvars import get_contextvars

from bots.connections import connection
from bots.connections.slots import WantedSlot
from feishu.long_connection.timing import Timing
from tests.services.log_lines import lines
from tests.services.processes import PATIENCE


class Logging:
    """In the place of the long connection: it says something, as what its messages set off does."""

    def __init__(self, **_options):
        pass

    async def run(self):
        logging.getLogger("feishu.tests").warning("deep_down")


def test_a_connection_may_take_less_than_it_is_waited_for():
    assert Timing().end < connection.STOP_TIMEOUT


async def test_lines_of_a_connection_name_bot_slot_and_process(monkeypatch, leaks):
    monkeypatch.setattr(connection, "Connection", Logging)
    wanted = WantedSlot(1, uuid4(), "cli_1", (), number=2)
    slot = connection.SlotConnection(
        wanted,
        held=True,
        observer=SimpleNamespace(node="here"),
        sink=lambda *_message: None,
        database=None,
        turns=None,
        timing=None,
        on_closed=lambda: None,
    )
    async with asyncio.timeout(PATIENCE):
        while not slot.dead:
            await asyncio.sleep(0)
    assert lines(leaks, "deep_down") == [
        {"app_id": "cli_1", "bot": str(wanted.bot_id), "slot": "2", "node": "here"}
    ]
    assert get_contextvars() == {}
