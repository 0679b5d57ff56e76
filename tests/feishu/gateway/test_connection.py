import asyncio
import base64
import json
import logging
from dataclasses import replace

import httpx
import pytest

from feishu.credentials import AppCredentials
from feishu.errors import APIError, ConnectError, MalformedAnswer, TransportError
from feishu.gateway.connection import Message, Reply
from feishu.gateway.ending import Ending, EndKind
from feishu.gateway.socket import GatewaySocket
from feishu.platforms import FEISHU
from feishu.reasons import Reason
from tests.feishu.gateway.fake_gateway import (
    CREDENTIALS,
    PATIENCE,
    QUICK,
    SERVICE,
    TICKET,
    Diary,
    FakeGateway,
    event,
    running,
)


def refused(code: int, message: str = "no") -> object:
    async def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"code": code, "msg": message, "data": {}})

    return answer


async def hanging(_request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(3600)
    raise AssertionError


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
    assert "A message could not be handled" in caplog.text


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
    assert "Ignored a text message" in caplog.text
    assert "Ignored the frame is cut short" in caplog.text


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


async def test_heartbeats_are_measured_from_the_first_answer_and_anew_when_the_rhythm_changes(gateway, diary):
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


async def test_a_line_that_is_cut_without_a_farewell_is_a_matter_of_the_network(gateway, diary):
    async with running(gateway, diary):
        await diary.until("heartbeat")
        (await gateway.socket(1)).transport.abort()
        await diary.until("disconnected")
    assert (diary.endings[0].kind, diary.endings[0].code) == (EndKind.NETWORK, None)


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


async def test_a_hanging_discovery_times_out_and_is_tried_again(gateway, diary):
    gateway.discover = [hanging]
    async with running(gateway, diary, timing=replace(QUICK, discovery=0.05)):
        await diary.until("connected")
    error, attempt, fatal, _ = diary.failures[0]
    assert isinstance(error, TransportError)
    assert (error.sent, attempt, fatal) == ("unknown", 1, False)


async def test_an_unreachable_platform_is_tried_again(gateway, diary):
    async def unreachable(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    gateway.discover = [unreachable]
    async with running(gateway, diary):
        await diary.until("connected")
    error = diary.failures[0][0]
    assert isinstance(error, TransportError)
    assert error.sent == "no"


async def test_wrong_credentials_are_reported_and_retried_with_what_is_then_known(gateway, diary):
    secrets = iter(["wrong", "right"])

    async def credentials() -> AppCredentials:
        return AppCredentials("cli_a1b2c3d4e5f60718", next(secrets), FEISHU)

    gateway.discover = [refused(1000040345, "app_id or app_secret invalid")]
    async with running(gateway, diary, credentials=credentials):
        await diary.until("connected")
    assert gateway.secrets == ["wrong", "right"]
    error, attempt, fatal, retry_in = diary.failures[0]
    assert isinstance(error, ConnectError)
    assert (error.code, error.stage, attempt, fatal, retry_in) == (
        1000040345,
        "discovery",
        1,
        True,
        QUICK.longest_delay,
    )


async def test_five_failures_in_a_row_call_for_a_person_and_one_success_forgives_them(gateway, diary):
    gateway.discover = [refused(1)] * 6
    async with running(gateway, diary):
        await diary.until("heartbeat")
        gateway.discover = [refused(1)]
        await (await gateway.socket()).close()
        await diary.until("connected", 2)
    assert [(attempt, fatal) for _, attempt, fatal, _ in diary.failures] == [
        (1, False),
        (2, False),
        (3, False),
        (4, False),
        (5, True),
        (6, True),
        (1, False),
    ]
    assert diary.failures[4][3] == QUICK.longest_delay


async def test_too_many_connections_wait_as_long_as_the_platform_asks(gateway, diary):
    gateway.refusal = (
        400,
        {"Handshake-Status": "514", "Handshake-Msg": "too many", "Handshake-Autherrcode": "1000040350"},
    )
    async with running(gateway, diary):
        await diary.until("failed")
        gateway.refusal = None
        await diary.until("connected")
    error, _, fatal, retry_in = diary.failures[0]
    assert isinstance(error, ConnectError)
    assert (error.code, error.stage, error.http_status) == (1000040350, "handshake", 400)
    assert not fatal
    assert retry_in == pytest.approx(120 * QUICK.second)


async def test_a_refused_handshake_without_the_platforms_headers_is_tried_again(gateway, diary):
    gateway.refusal = (503, {})
    async with running(gateway, diary):
        await diary.until("failed")
        gateway.refusal = None
        await diary.until("connected")
    assert diary.failures[0][0].http_status == 503


async def test_credentials_that_cannot_be_looked_up_are_tried_again(gateway, diary, caplog):
    answers = iter([RuntimeError("s3cr3t database"), CREDENTIALS])

    async def credentials() -> AppCredentials:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with running(gateway, diary, credentials=credentials):
        await diary.until("connected")
    error = diary.failures[0][0]
    assert isinstance(error, ConnectError)
    assert error.stage == "credentials"
    assert "s3cr3t" not in str(error)


async def test_an_error_that_the_credentials_name_is_passed_on(gateway, diary):
    answers = iter([APIError("gone", code=10014), CREDENTIALS])

    async def credentials() -> AppCredentials:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with running(gateway, diary, credentials=credentials):
        await diary.until("connected")
    assert (diary.failures[0][0].code, diary.failures[0][2]) == (10014, True)


async def test_an_answer_without_an_address_is_tried_again(gateway, diary):
    async def nothing(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"code": 0, "data": {"URL": "https://example.test"}})

    gateway.discover = [nothing]
    async with running(gateway, diary):
        await diary.until("connected")
    assert isinstance(diary.failures[0][0], MalformedAnswer)


async def test_an_endless_answer_is_cut_off(gateway, diary):
    async def endless(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"x" * 100_000)

    gateway.discover = [endless]
    async with running(gateway, diary):
        await diary.until("connected")
    assert isinstance(diary.failures[0][0], MalformedAnswer)


async def test_pings_start_at_once_and_follow_the_configuration_of_a_pong(gateway, diary):
    gateway.client_config = {"PingInterval": 600}
    gateway.pong_payload = b'{"PingInterval":1,"ReconnectInterval":0}'
    async with running(gateway, diary):
        await diary.until("heartbeat", 20)
        assert diary.count("disconnected") == 0
    assert gateway.pings[0].headers == (("type", "ping"),)
    assert (gateway.pings[0].service, gateway.pings[0].method) == (SERVICE, 0)


async def test_an_address_without_ids_still_connects(gateway, diary):
    gateway.query = "ticket=x"
    async with running(gateway, diary):
        await diary.until("heartbeat")
    assert ("connected", "") in diary.entries
    assert gateway.pings[0].service == 0


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
        async with asyncio.timeout(20):
            await asyncio.gather(task, return_exceptions=True)
        assert json.loads((await gateway.ack()).payload) == {"code": 500}


async def test_cancelling_ends_a_connection_that_is_still_dialling(gateway, diary):
    gateway.discover = [hanging]
    async with running(gateway, diary, timing=replace(QUICK, discovery=60)) as task:
        await diary.until("connecting")
        task.cancel()
        async with asyncio.timeout(1):
            await asyncio.gather(task, return_exceptions=True)


async def test_an_observer_that_raises_costs_one_connection_not_the_run(gateway):
    class Faulty(Diary):
        def frame(self, message: Message) -> None:
            super().frame(message)
            if self.count("frame") == 1:
                raise RuntimeError("observer")

    diary = Faulty()
    async with running(gateway, diary):
        await gateway.push(event("m1"))
        await gateway.push(event("m2"), number=2)
        assert (await gateway.ack()).header("message_id") == "m2"
    assert ("disconnected", "internal error: RuntimeError") in diary.entries
    assert diary.endings[0].kind is EndKind.ERROR


async def test_an_observer_that_raises_on_connecting_does_not_end_the_run_or_leak_a_socket(gateway):
    class Faulty(Diary):
        def connected(self, device_id: str) -> None:
            super().connected(device_id)
            if self.count("connected") == 1:
                raise RuntimeError("observer")

    diary = Faulty()
    async with running(gateway, diary):
        await gateway.push(event("m1"), number=2)
        await gateway.ack()
        async with asyncio.timeout(PATIENCE):
            await (await gateway.socket(1)).wait_closed()


async def test_an_observer_that_raises_when_the_connection_is_ended_does_not_keep_it_running(gateway, caplog):
    class Faulty(Diary):
        def disconnected(self, ending: Ending) -> None:
            super().disconnected(ending)
            raise RuntimeError("observer")

    diary = Faulty()
    async with running(gateway, diary) as task:
        await diary.until("connected")
        task.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([task])
    assert task.cancelled()
    assert "broke on an error of our own" in caplog.text


async def test_an_error_of_our_own_while_connecting_is_reported_and_tried_again(gateway, diary, caplog):
    async def broken(_request: httpx.Request) -> httpx.Response:
        raise RuntimeError("bug")

    gateway.discover = [broken]
    async with running(gateway, diary):
        await diary.until("connected")
    assert "internal error: RuntimeError" in str(diary.failures[0][0])
    assert "Connecting broke on an error of our own" in caplog.text


async def test_a_lost_answer_of_discovery_is_tried_again(gateway, diary):
    async def lost(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset")

    gateway.discover = [lost]
    async with running(gateway, diary):
        await diary.until("connected")
    error = diary.failures[0][0]
    assert isinstance(error, TransportError)
    assert error.sent == "unknown"


async def test_a_gateway_that_does_not_shake_hands_is_given_up(gateway, diary):
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]

        async def elsewhere(_request: httpx.Request) -> httpx.Response:
            return gateway.address(port)

        gateway.discover = [elsewhere]
        async with running(gateway, diary, timing=replace(QUICK, dial=0.05)):
            await diary.until("connected")
    assert "dialling took longer than 0.05 s" in str(diary.failures[0][0])


async def test_a_gateway_that_is_not_there_is_tried_again(gateway, diary):
    async def nowhere(_request: httpx.Request) -> httpx.Response:
        return gateway.address(1)

    gateway.discover = [nowhere]
    async with running(gateway, diary):
        await diary.until("connected")
    error = diary.failures[0][0]
    assert isinstance(error, TransportError)
    assert error.sent == "no"


async def test_a_gateway_that_cannot_prove_itself_is_not_spoken_to(gateway, diary):
    gateway.scheme = "wss"
    async with running(gateway, diary):
        await diary.until("failed")
    error = diary.failures[0][0]
    assert isinstance(error, TransportError)
    assert "dialling failed" in str(error)
    assert TICKET not in str(error)


async def test_a_peer_that_answers_no_websocket_ping_is_replaced(gateway, diary):
    async with running(gateway, diary, timing=replace(QUICK, keepalive=0.05)):
        await diary.until("heartbeat")
        await asyncio.sleep(0.15)
        assert diary.count("disconnected") == 0
        (await gateway.socket()).transport.pause_reading()
        await diary.until("connected", 2)
    assert ("disconnected", "no WebSocket pong within 0.05 s") in diary.entries
    assert diary.endings[0].kind is EndKind.SILENT


async def stuck(_self: GatewaySocket, _frames: object) -> None:
    await asyncio.sleep(3600)


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


async def test_cancelling_gives_up_on_a_peer_that_takes_nothing(gateway, diary, monkeypatch, caplog):
    monkeypatch.setattr(GatewaySocket, "send_batch", stuck)
    async with running(gateway, diary, timing=replace(QUICK, write=60, close=0.05)) as task:
        await gateway.push(event())
        await diary.until("frame")
        (await gateway.socket()).transport.pause_reading()
        task.cancel()
        async with asyncio.timeout(1):
            await asyncio.gather(task, return_exceptions=True)
    assert "Some answers could not be written before closing" in caplog.text


async def test_the_ticket_and_the_secret_never_reach_the_log(gateway, diary, caplog):
    caplog.set_level(logging.DEBUG)
    gateway.discover = [refused(1000040345)]
    async with running(gateway, diary):
        await diary.until("heartbeat")
        gateway.refusal = (403, {})
        await (await gateway.socket()).close()
        await diary.until("failed", 2)
    # The fake gateway runs in the same process and may say what it likes.
    ours = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
    assert "Connected" in ours
    assert not [line for line in ours if TICKET in line or CREDENTIALS.app_secret in line]


async def test_an_unusable_address_fails_without_being_written_down(gateway: FakeGateway, diary, caplog):
    gateway.query = "ticket=" + TICKET + "#fragment"
    async with running(gateway, diary):
        await diary.until("failed")
    assert TICKET not in caplog.text
    assert TICKET not in str(diary.failures[0][0])


async def test_a_machine_that_slept_gets_a_new_socket_at_once_and_that_is_no_failure(gateway, diary):
    async with running(gateway, diary, timing=replace(QUICK, second=1)) as task:
        await diary.until("heartbeat")
        task.connection.renew("the machine slept")
        await gateway.socket(2)
    assert diary.count("failed") == 0
    assert (
        next(str(ending) for name, ending in diary.entries if name == "disconnected") == "the machine slept"
    )


async def test_a_connection_that_waits_for_its_next_attempt_need_not_wait(gateway, diary):
    gateway.discover = [refused(1000040345)]
    async with running(gateway, diary, timing=replace(QUICK, longest_delay=3600)) as task:
        await diary.until("failed")
        task.connection.renew("the machine slept")
        await diary.until("heartbeat")


async def test_an_outage_of_the_database_leaves_no_traceback(gateway, diary, caplog):
    async def away() -> AppCredentials:
        raise ConnectError("the database is away", stage="credentials", reason=Reason.DATABASE)

    async with running(gateway, diary, credentials=away):
        await diary.until("failed", 2)
    assert [record for record in caplog.records if record.exc_info] == []
