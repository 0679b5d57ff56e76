import asyncio
import base64
import json
from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection

from feishu.long_connection.connection import Message, Reply
from feishu.long_connection.messages import PendingReply
from feishu.long_connection.socket import GatewaySocket
from tests.feishu.long_connection.fake_gateway import PATIENCE, QUICK, SERVICE, event, running


async def test_a_message_reaches_the_sink_and_its_ack_repeats_ids_and_headers(gateway, diary):
    received: list[Message] = []

    async def sink(message: Message) -> Reply:
        received.append(message)
        return Reply()

    async with running(gateway, diary, sink):
        await gateway.push(event("m1", b'{"a":1}', extra=(("instance_id", "gw-3"), ("new", "x"))))
        ack = await gateway.ack()
    assert [(m.payload, m.message_id, m.trace_id, m.kind) for m in received] == [
        (b'{"a":1}', "m1", "t1", "event")
    ]
    assert (ack.seq_id, ack.log_id, ack.service, ack.method) == (7, 8, SERVICE, 1)
    assert ack.headers[:-1] == (
        ("type", "event"),
        ("message_id", "m1"),
        ("trace_id", "t1"),
        ("sum", "1"),
        ("seq", "0"),
        ("instance_id", "gw-3"),
        ("new", "x"),
    )
    assert ack.headers[-1][0] == "biz_rt"
    assert int(ack.headers[-1][1]) >= 0
    assert json.loads(ack.payload) == {"code": 200}


async def test_the_answer_to_a_callback_travels_as_base64(gateway, diary):
    async def sink(_message: Message) -> Reply:
        return Reply(data=b'{"toast":{}}')

    async with running(gateway, diary, sink):
        await gateway.push(event())
        ack = await gateway.ack()
    assert json.loads(ack.payload) == {"code": 200, "data": base64.b64encode(b'{"toast":{}}').decode()}


async def test_a_card_frame_is_handled_like_an_event(gateway, diary):
    kinds: list[str] = []

    async def sink(message: Message) -> Reply:
        kinds.append(message.kind)
        return Reply(data=b"{}")

    async with running(gateway, diary, sink):
        await gateway.push(event(kind="card"))
        ack = await gateway.ack()
    assert kinds == ["card"]
    assert json.loads(ack.payload) == {"code": 200, "data": "e30="}


async def test_a_sink_that_raises_asks_for_another_push(gateway, diary, caplog):
    async def sink(message: Message) -> Reply:
        if message.message_id == "bad":
            raise RuntimeError("the database is away")
        return Reply()

    async with running(gateway, diary, sink):
        await gateway.push(event("bad"), event("good"))
        acks = {
            ack.header("message_id"): json.loads(ack.payload) for ack in [await gateway.ack() for _ in "12"]
        }
    assert acks == {"bad": {"code": 500}, "good": {"code": 200}}
    assert "message_not_handled" in caplog.text


async def test_a_sink_that_raises_at_once_asks_for_another_push(gateway, diary):
    def sink(_message: Message) -> asyncio.Future[Reply]:
        raise RuntimeError("closed")

    async with running(gateway, diary, sink):
        await gateway.push(event())
        assert json.loads((await gateway.ack()).payload) == {"code": 500}


async def test_a_sink_that_takes_too_long_asks_for_another_push(gateway, diary):
    async def sink(_message: Message) -> Reply:
        await asyncio.sleep(3600)
        return Reply()

    async with running(gateway, diary, sink, timing=replace(QUICK, sink=0.05)):
        await gateway.push(event())
        assert json.loads((await gateway.ack()).payload) == {"code": 500}


async def test_a_sink_may_answer_a_whole_batch_with_futures(gateway, diary):
    waiting: list[asyncio.Future[Reply]] = []
    complete = asyncio.Event()

    def sink(_message: Message) -> asyncio.Future[Reply]:
        waiting.append(asyncio.get_running_loop().create_future())
        if len(waiting) == 50:
            complete.set()
        return waiting[-1]

    async with running(gateway, diary, sink):
        await gateway.push(*(event(f"m{number}") for number in range(50)))
        async with asyncio.timeout(PATIENCE):
            await complete.wait()
        for future in waiting:
            future.set_result(Reply())
        acked = {(await gateway.ack()).header("message_id") for _ in range(50)}
    assert acked == {f"m{number}" for number in range(50)}


async def test_acks_that_pile_up_go_out_in_one_write(gateway, diary, monkeypatch):
    batches: list[int] = []
    send_batch = GatewaySocket.send_batch

    async def counting(self, frames):
        batches.append(len(frames))
        await send_batch(self, frames)

    monkeypatch.setattr(GatewaySocket, "send_batch", counting)
    release = asyncio.Event()

    async def sink(_message: Message) -> Reply:
        await release.wait()
        return Reply()

    async with running(gateway, diary, sink):
        await gateway.push(*(event(f"m{number}") for number in range(100)))
        await diary.until("frame", 100)
        release.set()
        for _ in range(100):
            await gateway.ack()
    assert max(batches) >= 100


async def test_messages_beyond_the_limit_are_left_unread(gateway, diary):
    started: list[str] = []
    release = asyncio.Event()

    async def sink(message: Message) -> Reply:
        started.append(message.message_id)
        await release.wait()
        return Reply()

    async with running(gateway, diary, sink, max_in_flight=2):
        await gateway.push(*(event(f"m{number}") for number in range(5)))
        await diary.until("frame", 2)
        await asyncio.sleep(0.05)
        assert started == ["m0", "m1"]
        release.set()
        for _ in range(5):
            await gateway.ack()
    assert started == ["m0", "m1", "m2", "m3", "m4"]


async def test_fragments_in_any_order_make_one_message_and_one_ack(gateway, diary):
    payloads: list[bytes] = []

    async def sink(message: Message) -> Reply:
        payloads.append(message.payload)
        return Reply()

    async with running(gateway, diary, sink):
        await gateway.push(
            event("m1", b"c", total=3, index=2),
            event("m1", b"a", total=3, index=0),
            event("m1", b"b", total=3, index=1),
            event("m2", b"whole"),
        )
        acks = [await gateway.ack(), await gateway.ack()]
    assert sorted(payloads) == [b"abc", b"whole"]
    assert {(ack.header("message_id"), ack.header("seq")) for ack in acks} == {("m1", "1"), ("m2", "0")}


async def test_garbage_and_text_do_not_end_the_connection(gateway, diary, caplog):
    async with running(gateway, diary):
        socket = await gateway.socket()
        await socket.send("hello")
        await socket.send(b"\xff\xff\xff")
        await gateway.push(event())
        await gateway.ack()
        assert diary.count("disconnected") == 0
    reasons = [record.__dict__["reason"] for record in caplog.records if record.message == "frame_ignored"]
    assert reasons[0] == "a text message"
    assert reasons[1].startswith("the frame is cut short")


def write(socket: ServerConnection, message: bytes | str | tuple[bytes, bytes]) -> None:
    """Have a message written with the next ones; a pair makes one message of two WebSocket frames."""
    if isinstance(message, str):
        socket.protocol.send_text(message.encode())
    elif isinstance(message, bytes):
        socket.protocol.send_binary(message)
    else:
        socket.protocol.send_binary(message[0], fin=False)
        socket.protocol.send_continuation(message[1], fin=True)


async def test_messages_that_come_at_once_are_read_in_their_order_whatever_carries_them(gateway, diary):
    received: list[str] = []

    async def sink(message: Message) -> Reply:
        received.append(message.message_id)
        return Reply()

    async with running(gateway, diary, sink):
        socket, pieces = await gateway.socket(), event("in pieces")
        for message in (event("first"), (pieces[:9], pieces[9:]), "a text", event("third"), event("last")):
            write(socket, message)
        socket.transport.write(b"".join(socket.protocol.data_to_send()))
        for _ in range(4):
            await gateway.ack()

    assert received == ["first", "in pieces", "third", "last"]


async def test_a_pending_reply_may_be_awaited():
    resolved, failed, later = PendingReply(), PendingReply(), PendingReply()
    resolved.resolve(Reply())
    failed.resolve(RuntimeError("the database is away"))
    asyncio.get_running_loop().call_soon(later.resolve, Reply(code=500))

    assert await resolved == Reply()
    assert await later == Reply(code=500)
    with pytest.raises(RuntimeError, match="away"):
        await failed


async def test_a_pending_reply_nobody_waits_for_any_more_is_resolved_without_harm():
    pending = PendingReply()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await pending

    pending.resolve(Reply())
