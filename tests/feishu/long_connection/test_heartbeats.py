import asyncio
import time
from dataclasses import replace
from typing import Any, cast

import pytest

from feishu.errors import ConnectError
from feishu.long_connection.config import ClientConfig
from feishu.long_connection.connection import Message, Reply
from feishu.long_connection.ending import EndKind
from feishu.long_connection.pump import Pump
from feishu.long_connection.session import Session
from tests.feishu.long_connection.fake_gateway import QUICK, SERVICE, event, running


async def test_pings_start_at_once_and_follow_the_configuration_of_a_pong(gateway, diary):
    gateway.client_config = {"PingInterval": 600}
    gateway.pong_payload = b'{"PingInterval":1,"ReconnectInterval":0}'
    second = 0.1
    async with running(gateway, diary, timing=replace(QUICK, second=second)):
        # A connection that is lost on a busy machine begins again, and its first answers are not measured.
        while not any(
            kind == "heartbeat" and detail[0] is not None and detail[1] == second
            for kind, detail in diary.entries
        ):
            await diary.until("heartbeat", diary.count("heartbeat") + 1)
    assert gateway.pings[0].headers == (("type", "ping"),)
    assert (gateway.pings[0].service, gateway.pings[0].method) == (SERVICE, 0)


async def test_heartbeats_are_measured_from_the_first_answer_and_again_when_the_rhythm_changes(
    gateway, diary
):
    gateway.client_config = {"PingInterval": 3}
    async with running(gateway, diary):
        await diary.until("heartbeat", 3)
        gateway.pong_payload = b'{"PingInterval": 1}'
        await diary.until("heartbeat", 6)
    second = QUICK.second
    intervals = [detail for kind, detail in diary.entries if kind == "heartbeat"][:6]
    first, *steady, told, after, _ = intervals
    assert first == (None, 3 * second)
    assert all(interval is not None and expected == 3 * second for interval, expected in steady)
    assert told[0] is not None, "the answer that brings another rhythm still belongs to the old one"
    assert after == (None, 1 * second)


async def test_a_silent_socket_is_replaced(gateway, diary):
    gateway.client_config = {"PingInterval": 1}
    async with running(gateway, diary):
        await diary.until("heartbeat")
        gateway.answers_pings = False
        await diary.until("disconnected")
        gateway.answers_pings = True
        await gateway.push(event(), number=2)
        await gateway.ack()
    assert ("disconnected", "silent for 12 s") in diary.entries
    assert diary.endings[0].kind is EndKind.SILENT


async def test_a_connection_on_which_nothing_was_ever_heard_counts_as_a_failure(gateway, diary):
    gateway.client_config = {"PingInterval": 1}
    gateway.answers_pings = False
    async with running(gateway, diary):
        await diary.until("failed", 2)
    assert [(attempt, fatal) for _, attempt, fatal, _ in diary.failures[:2]] == [(1, False), (2, False)]
    assert isinstance(diary.failures[0][0], ConnectError)


async def test_a_connection_that_is_full_is_not_mistaken_for_a_silent_one(gateway, diary):
    gateway.client_config = {"PingInterval": 1}
    release = asyncio.Event()

    async def sink(_message: Message) -> Reply:
        await release.wait()
        return Reply()

    async with running(gateway, diary, sink, max_in_flight=1):
        await gateway.push(event("m1"), event("m2"))
        await diary.until("frame")
        await asyncio.sleep(0.3)
        release.set()
        await gateway.ack()
        await gateway.ack()
        assert diary.count("disconnected") == 0


async def test_a_peer_that_answers_no_websocket_ping_is_replaced(gateway, diary):
    # Peer and client share a loop: a machine that stops both for a moment must not look like a silent peer, and the pings of the
    # platform, a second of which is long here, not notice the silence first.
    async with running(gateway, diary, timing=replace(QUICK, keepalive=0.5, second=1.0)):
        await diary.until("heartbeat")
        await asyncio.sleep(1)
        assert diary.count("disconnected") == 0
        (await gateway.socket()).transport.pause_reading()
        await diary.until("connected", 2)
    assert ("disconnected", "no WebSocket pong within 0.5 s") in diary.entries
    assert diary.endings[0].kind is EndKind.SILENT


class LossySocket:
    """Answers every second WebSocket ping, or none."""

    def __init__(self, *, answers: bool) -> None:
        self.pings = 0
        self._answers = answers

    async def ping(self) -> asyncio.Future[float]:
        self.pings += 1
        pong: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        if self._answers and self.pings % 2 == 0:
            pong.set_result(0.0)
        return pong


@pytest.mark.parametrize("answers", [True, False])
async def test_single_missing_pong_on_a_lossy_line_ends_nothing(answers):
    socket = LossySocket(answers=answers)
    session = Session(service_id=1, config=ClientConfig(), now=0.0)
    session.heard_at = float("-inf")
    pump = Pump(
        cast("Any", socket), session, cast("Any", None), cast("Any", None),
        pace=cast("Any", None), timing=replace(QUICK, keepalive=0.01), clock=time.monotonic, log={},
    )  # fmt: skip
    probing = asyncio.create_task(pump._probe())
    while socket.pings < 8 and not probing.done():
        await asyncio.sleep(0.005)
    assert probing.done() is not answers
    if answers:
        probing.cancel()
    else:
        assert ((await probing).kind, socket.pings) == (EndKind.SILENT, 2)
