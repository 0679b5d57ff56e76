import asyncio
import json
from dataclasses import replace

import pytest

from feishu.long_connection.connection import Message, Reply
from feishu.long_connection.socket import GatewaySocket
from tests.feishu.long_connection.fake_gateway import PATIENCE, QUICK, event, running
from tests.feishu.long_connection.troubles import hanging, stuck


async def test_cancelling_answers_what_is_in_hand_and_says_farewell(gateway, diary):
    started = asyncio.Event()

    async def sink(_message: Message) -> Reply:
        started.set()
        await asyncio.sleep(0.05)
        return Reply()

    async with running(gateway, diary, sink) as task:
        await gateway.push(event())
        async with asyncio.timeout(PATIENCE):
            await started.wait()
        task.cancel()
        assert json.loads((await gateway.ack()).payload) == {"code": 200}
        socket = await gateway.socket()
        async with asyncio.timeout(PATIENCE):
            await socket.wait_closed()
        assert socket.close_code == 1000
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_what_is_pushed_while_the_last_messages_are_answered_is_answered_too(gateway, diary):
    release = asyncio.Event()

    async def sink(message: Message) -> Reply:
        if message.message_id == "slow":
            await release.wait()
        return Reply()

    async with running(gateway, diary, sink, timing=replace(QUICK, drain=PATIENCE, end=PATIENCE)) as task:
        await gateway.push(event("slow"))
        await diary.until("frame")
        task.cancel()
        await gateway.push(event("late"))
        assert (await gateway.ack()).header("message_id") == "late"
        release.set()
        assert (await gateway.ack()).header("message_id") == "slow"
        socket = await gateway.socket()
        async with asyncio.timeout(PATIENCE):
            await socket.wait_closed()
        assert socket.close_code == 1000


async def test_cancelling_does_not_wait_for_ever(gateway, diary):
    async def sink(_message: Message) -> Reply:
        await asyncio.sleep(3600)
        return Reply()

    # Time enough on a busy machine, lest the connection be lost before it is cancelled; the sink would take an hour.
    patient = replace(QUICK, close=5, write=5, second=1)
    async with running(gateway, diary, sink, timing=patient) as task:
        await gateway.push(event())
        await diary.until("frame")
        task.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(task, return_exceptions=True)
        assert json.loads((await gateway.ack()).payload) == {"code": 500}


async def test_all_that_an_end_waits_for_has_one_limit(gateway, diary, monkeypatch):
    """Handlers that hang, a peer that takes no answer and one that says no farewell: each might use up its own time."""

    async def sink(_message: Message) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(GatewaySocket, "send_batch", stuck)
    slow = replace(QUICK, drain=3600, write=3600, close=3600, end=0.05)
    async with running(gateway, diary, sink, timing=slow) as task:
        await gateway.push(event())
        await diary.until("frame")
        (await gateway.socket()).transport.pause_reading()
        task.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(task, return_exceptions=True)


async def test_cancelling_ends_a_connection_that_is_still_dialling(gateway, diary):
    gateway.discover = [hanging]
    async with running(gateway, diary, timing=replace(QUICK, discovery=60)) as task:
        await diary.until("connecting")
        task.cancel()
        async with asyncio.timeout(1):
            await asyncio.gather(task, return_exceptions=True)


async def test_cancelling_gives_up_on_a_peer_that_takes_nothing(gateway, diary, monkeypatch, caplog):
    monkeypatch.setattr(GatewaySocket, "send_batch", stuck)
    async with running(gateway, diary, timing=replace(QUICK, write=60, close=0.05)) as task:
        await gateway.push(event())
        await diary.until("frame")
        (await gateway.socket()).transport.pause_reading()
        task.cancel()
        async with asyncio.timeout(1):
            await asyncio.gather(task, return_exceptions=True)
    assert "answers_not_written" in caplog.text
