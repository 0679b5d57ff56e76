import asyncio
from dataclasses import replace

import httpx2
import pytest

from feishu.errors import ConnectError, MalformedAnswer, TransportError
from tests.feishu.long_connection.fake_gateway import QUICK, TICKET, FakeGateway, running
from tests.feishu.long_connection.troubles import hanging, refused


async def test_a_hanging_discovery_times_out_and_is_tried_again(gateway, diary):
    gateway.discover = [hanging]
    async with running(gateway, diary, timing=replace(QUICK, discovery=0.05)):
        await diary.until("connected")
    error, attempt, fatal, _ = diary.failures[0]
    assert isinstance(error, TransportError)
    assert (error.sent, attempt, fatal) == ("unknown", 1, False)


async def test_an_unreachable_platform_is_tried_again(gateway, diary):
    async def unreachable(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no route")

    gateway.discover = [unreachable]
    async with running(gateway, diary):
        await diary.until("connected")
    error = diary.failures[0][0]
    assert isinstance(error, TransportError)
    assert error.sent == "no"


async def test_a_lost_answer_of_discovery_is_tried_again(gateway, diary):
    async def lost(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("reset")

    gateway.discover = [lost]
    async with running(gateway, diary):
        await diary.until("connected")
    error = diary.failures[0][0]
    assert isinstance(error, TransportError)
    assert error.sent == "unknown"


async def test_an_answer_without_an_address_is_tried_again(gateway, diary):
    async def nothing(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"code": 0, "data": {"URL": "https://example.test"}})

    gateway.discover = [nothing]
    async with running(gateway, diary):
        await diary.until("connected")
    assert isinstance(diary.failures[0][0], MalformedAnswer)


async def test_an_endless_answer_is_cut_off(gateway, diary):
    async def endless(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=b"x" * 100_000)

    gateway.discover = [endless]
    async with running(gateway, diary):
        await diary.until("connected")
    assert isinstance(diary.failures[0][0], MalformedAnswer)


async def test_an_address_without_ids_still_connects(gateway, diary):
    gateway.query = "ticket=x"
    async with running(gateway, diary):
        await diary.until("heartbeat")
    assert ("connected", "") in diary.entries
    assert gateway.pings[0].service == 0


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


async def test_a_gateway_that_does_not_shake_hands_is_given_up(gateway, diary):
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]

        async def elsewhere(_request: httpx2.Request) -> httpx2.Response:
            return gateway.address(port)

        gateway.discover = [elsewhere]
        async with running(gateway, diary, timing=replace(QUICK, dial=0.05)):
            await diary.until("connected")
    assert "dialling took longer than 0.05 s" in str(diary.failures[0][0])


async def test_a_gateway_that_is_not_there_is_tried_again(gateway, diary):
    async def nowhere(_request: httpx2.Request) -> httpx2.Response:
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


async def test_an_unusable_address_fails_without_being_written_down(gateway: FakeGateway, diary, caplog):
    gateway.query = "ticket=" + TICKET + "#fragment"
    async with running(gateway, diary):
        await diary.until("failed")
    assert TICKET not in caplog.text
    assert TICKET not in str(diary.failures[0][0])


async def test_an_error_of_our_own_while_connecting_is_reported_and_tried_again(gateway, diary, caplog):
    async def broken(_request: httpx2.Request) -> httpx2.Response:
        raise RuntimeError("bug")

    gateway.discover = [broken]
    async with running(gateway, diary):
        await diary.until("connected")
    assert "internal error: RuntimeError" in str(diary.failures[0][0])
    assert "connecting_failed" in caplog.text


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


async def test_a_connection_that_waits_for_its_next_attempt_need_not_wait(gateway, diary):
    gateway.discover = [refused(1000040345)]
    async with running(gateway, diary, timing=replace(QUICK, longest_delay=3600)) as task:
        await diary.until("failed")
        task.connection.renew("the machine slept")
        await diary.until("heartbeat")
