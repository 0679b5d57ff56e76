import asyncio
from dataclasses import replace

from feishu.long_connection.connection import Message, Reply
from feishu.long_connection.ending import EndKind
from feishu.long_connection.socket import GatewaySocket
from tests.feishu.long_connection.fake_gateway import PATIENCE, QUICK, event, running
from tests.feishu.long_connection.troubles import stuck


async def test_a_dropped_connection_comes_back_with_a_new_ticket(gateway, diary):
    async with running(gateway, diary):
        await diary.until("heartbeat")
        await (await gateway.socket(1)).close(1001, "going away")
        await gateway.push(event(), number=2)
        await gateway.ack()
    assert len(gateway.secrets) == 2
    assert [kind for kind, _ in diary.entries if kind in {"connecting", "connected", "disconnected"}] == [
        "connecting",
        "connected",
        "disconnected",
        "connecting",
        "connected",
        "disconnected",
    ]
    reasons = [detail for kind, detail in diary.entries if kind == "disconnected"]
    assert "going away" in reasons[0]
    assert reasons[1] == "stopped"
    assert [(ending.kind, ending.code) for ending in diary.endings] == [
        (EndKind.CLOSED, 1001),
        (EndKind.STOPPED, None),
    ]
    assert diary.failures == []


async def test_a_line_that_is_cut_without_a_farewell_is_a_matter_of_the_network(gateway, diary):
    async with running(gateway, diary):
        await diary.until("heartbeat")
        (await gateway.socket(1)).transport.abort()
        await diary.until("disconnected")
    assert (diary.endings[0].kind, diary.endings[0].code) == (EndKind.NETWORK, None)


async def test_messages_in_hand_are_finished_when_the_socket_breaks(gateway, diary):
    finished = asyncio.Event()
    release = asyncio.Event()

    async def sink(_message: Message) -> Reply:
        await release.wait()
        finished.set()
        return Reply()

    async with running(gateway, diary, sink):
        await gateway.push(event())
        await diary.until("frame")
        (await gateway.socket()).transport.abort()
        await diary.until("connected", 2)
        release.set()
        async with asyncio.timeout(PATIENCE):
            await finished.wait()
        await gateway.push(event("m2"), number=2)
        assert (await gateway.ack()).header("message_id") == "m2"


async def test_a_peer_that_takes_nothing_is_replaced(gateway, diary, monkeypatch):
    async with running(gateway, diary, timing=replace(QUICK, write=0.05)):
        await diary.until("heartbeat")
        with monkeypatch.context() as patch:
            patch.setattr(GatewaySocket, "send_batch", stuck)
            (await gateway.socket()).transport.abort()
            await diary.until("disconnected", 2)
        await diary.until("heartbeat", 2)
    assert ("disconnected", "writing took longer than 0.05 s") in diary.entries
    assert diary.endings[0].kind is EndKind.NETWORK


async def test_a_machine_that_slept_gets_a_new_socket_at_once_and_that_is_no_failure(gateway, diary):
    async with running(gateway, diary, timing=replace(QUICK, second=1)) as task:
        await diary.until("heartbeat")
        task.connection.renew("the machine slept")
        await gateway.socket(2)
    assert diary.count("failed") == 0
    assert (
        next(str(ending) for name, ending in diary.entries if name == "disconnected") == "the machine slept"
    )


async def test_wait_for_the_next_attempt_is_told(gateway, diary):
    async with running(gateway, diary):
        await diary.until("heartbeat")
        (await gateway.socket(1)).transport.abort()
        await diary.until("connected", 2)
    assert len(diary.waits) == 1
    assert diary.waits[0] >= 0
