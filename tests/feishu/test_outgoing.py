"""The way out: addresses are checked where a connection is made, through whichever client."""

import asyncio
import http.server
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias
from unittest import mock

import httpx2
import pytest

from feishu import networks, outgoing
from feishu.credentials import AppCredentials
from feishu.errors import ConnectError, TransportError
from feishu.long_connection.address import find_gateway
from feishu.long_connection.config import ClientConfig
from feishu.long_connection.discovery import Endpoint
from feishu.long_connection.socket import dial
from feishu.long_connection.timing import Timing
from feishu.names import NameLookups
from feishu.networks import Networks
from feishu.outgoing import AsyncOutgoingTransport, Route
from feishu.platforms import Platform
from feishu.reasons import Reason
from feishu.relay import Relay
from feishu.tls import trusted
from feishu.transport import Transport
from tests.services.processes import PATIENCE
from tests.services.proxy import LoopbackProxy, Mood

FORBIDDING = Networks.parse(["public"], setting="FEISHU_PLATFORM_NETWORKS")
ALLOWING = Networks.parse(["loopback"])


@pytest.fixture(autouse=True)
def no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[http.server.HTTPServer]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"code": 0}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
    thread.start()
    yield listening
    listening.shutdown()
    thread.join()
    listening.server_close()


def url_of(server: http.server.HTTPServer, host: str = "localhost") -> str:
    return f"http://{host}:{server.server_port}"


def test_thread_connects_where_it_may(server: http.server.HTTPServer) -> None:
    transport = Transport(route=Route(networks=ALLOWING))
    assert transport.exchange("GET", f"{url_of(server)}/x").status == 200
    transport.close()


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]"]
)
def test_thread_is_refused_however_the_host_is_written(server: http.server.HTTPServer, host: str) -> None:
    transport = Transport(route=Route(networks=FORBIDDING))
    with pytest.raises(TransportError) as refusal:
        transport.request("GET", f"{url_of(server, host)}/x")
    transport.close()
    assert (refusal.value.reason, refusal.value.sent) == (Reason.FORBIDDEN_ADDRESS, "no")
    assert "127.0.0.1" not in str(refusal.value)


def test_typed_proxy_is_checked_itself(server: http.server.HTTPServer) -> None:
    transport = Transport(route=Route(proxy=url_of(server), proxy_networks=FORBIDDING))
    with pytest.raises(TransportError) as refusal:
        transport.request("GET", "https://open.test/x")
    transport.close()
    assert refusal.value.reason is Reason.FORBIDDEN_ADDRESS


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:9", "http://localhost:9", "http://metadata.google.internal"]
)
def test_target_behind_a_proxy_is_checked_too(
    server: http.server.HTTPServer, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", url_of(server, "127.0.0.1"))
    transport = Transport(route=Route(networks=FORBIDDING))
    with pytest.raises(TransportError) as refusal:
        transport.request("GET", f"{target}/x")
    transport.close()
    assert refusal.value.reason is Reason.FORBIDDEN_ADDRESS


def test_proxy_of_the_environment_may_be_anywhere(
    server: http.server.HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", url_of(server, "127.0.0.1"))
    transport = Transport(route=Route(networks=FORBIDDING))
    assert transport.exchange("GET", "http://open.example.test/x").status == 200
    transport.close()


@pytest.mark.parametrize(("target", "status"), [("open.example.test", 200), ("vault.corp", None)])
async def test_name_that_no_resolver_answers_for_is_left_to_the_proxy(
    server: http.server.HTTPServer, monkeypatch: pytest.MonkeyPatch, target: str, status: int | None
) -> None:
    monkeypatch.setattr(outgoing, "LOOKUP_SECONDS", 0.05)

    async def silent(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    transport = AsyncOutgoingTransport(
        Route(proxy=url_of(server, "127.0.0.1"), networks=FORBIDDING),
        verify=trusted(),
        limits=httpx2.Limits(),
        resolver=silent,
    )
    async with asyncio.timeout(PATIENCE), httpx2.AsyncClient(transport=transport, trust_env=False) as client:
        if status:
            assert (await client.get(f"http://{target}/x")).status_code == status
        else:
            with pytest.raises(httpx2.ConnectError, match="may not be connected to"):
                await client.get(f"http://{target}/x")


@pytest.mark.parametrize(("target", "status"), [("open.example.test", 200), ("vault.corp", None)])
def test_thread_leaves_a_name_that_no_resolver_answers_for_to_the_proxy(
    server: http.server.HTTPServer, monkeypatch: pytest.MonkeyPatch, target: str, status: int | None
) -> None:
    answering = threading.Event()

    def silent(_host: str, _port: int) -> list[object]:
        answering.wait(PATIENCE)
        return []

    lookups = NameLookups(threads=1, look_up=silent)
    monkeypatch.setattr(networks, "names", lookups)
    monkeypatch.setattr(outgoing, "LOOKUP_SECONDS", 0.05)
    transport = Transport(route=Route(proxy=url_of(server, "127.0.0.1"), networks=FORBIDDING))
    try:
        if status:
            assert transport.exchange("GET", f"http://{target}/x").status == status
        else:
            with pytest.raises(TransportError) as refusal:
                transport.exchange("GET", f"http://{target}/x")
            assert refusal.value.reason is Reason.FORBIDDEN_ADDRESS
    finally:
        answering.set()
        transport.close()


async def test_relay_is_refused(server: http.server.HTTPServer) -> None:
    relay = Relay()
    with pytest.raises(TransportError) as refusal:
        await relay.open("GET", url_of(server), "/x", headers=[], route=Route(networks=FORBIDDING))
    await relay.close()
    assert refusal.value.reason is Reason.FORBIDDEN_ADDRESS


@pytest.mark.parametrize("host", ["a..b", "xn--", "\N{SNOWMAN}.com"])
@pytest.mark.parametrize("route", [Route(), Route(networks=FORBIDDING)])
async def test_host_that_cannot_be_one_is_asked_nothing(host: str, route: Route) -> None:
    relay, url = Relay(), f"https://{host}"
    credentials = AppCredentials(
        "cli_a1b2c3d4e5f60718", "s3cr3t", Platform(url, url), networks=route.networks
    )
    with pytest.raises(TransportError) as relayed:
        await relay.open("GET", url, "/x", headers=[], route=route)
    await relay.close()
    with pytest.raises(TransportError) as discovered:
        await find_gateway(credentials, seconds=30, config=ClientConfig())
    for refusal in (relayed.value, discovered.value):
        assert (refusal.reason, refusal.sent) == (Reason.DNS, "no")


async def test_connection_goes_to_the_address_that_was_checked(server: http.server.HTTPServer) -> None:
    asked = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    transport = AsyncOutgoingTransport(
        Route(networks=ALLOWING), verify=trusted(), limits=httpx2.Limits(), resolver=rebinding
    )
    async with httpx2.AsyncClient(transport=transport, trust_env=False) as client:
        answer = await client.get(f"{url_of(server, 'rebinding.test')}/x")
    assert (answer.status_code, asked) == (200, ["rebinding.test"])


def credentials(address: str, **ways: Networks) -> AppCredentials:
    return AppCredentials("cli_a1b2c3d4e5f60718", "s3cr3t", Platform(address, address), **ways)


async def test_question_for_the_gateway_is_refused(server: http.server.HTTPServer) -> None:
    asking = credentials(url_of(server), networks=FORBIDDING)
    with pytest.raises(TransportError) as refusal:
        await find_gateway(asking, seconds=5, config=ClientConfig())
    assert refusal.value.reason is Reason.FORBIDDEN_ADDRESS


async def test_gateway_that_discovery_names_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        endpoint = Endpoint(f"ws://localhost:{port}/ws?ticket=t", "", 0, ClientConfig())
        with pytest.raises(TransportError) as refusal:
            await dial(endpoint, Timing(), route=Route(networks=FORBIDDING))
    assert refusal.value.reason is Reason.FORBIDDEN_ADDRESS


@pytest.mark.parametrize("asked", ["https://platform.test", "HTTPS://platform.test"])
@pytest.mark.parametrize(("scheme", "refused"), [("ws", True), ("Ws", True), ("wss", False), ("WSS", False)])
async def test_gateway_of_an_encrypted_platform_is_encrypted(
    scheme: str, asked: str, *, refused: bool
) -> None:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"code": 0, "data": {"URL": f"{scheme}://gateway.test/ws?ticket=t"}})

    asking = find_gateway(
        credentials(asked),
        seconds=5,
        config=ClientConfig(),
        client=lambda _route: httpx2.AsyncClient(transport=httpx2.MockTransport(answer)),
    )
    if refused:
        with pytest.raises(ConnectError) as refusal:
            await asking
        assert refusal.value.reason is Reason.GATEWAY_UNENCRYPTED
    else:
        assert (await asking).is_encrypted


# --- how a typed proxy failed is not told to whoever may type one


async def by_thread(route: Route, seconds: float) -> object:
    """A call of the platform. None of these reaches further than the proxy."""

    def call() -> None:
        transport = Transport(route=route)
        try:
            transport.request("GET", "https://open.example.test/x", timeout=seconds)
        finally:
            transport.close()

    return await asyncio.to_thread(call)


async def by_relay(route: Route, seconds: float) -> object:
    relay = Relay()
    try:
        with mock.patch("feishu.relay.IDLE_TIMEOUT", seconds):
            return await relay.open("GET", "https://open.example.test", "/x", headers=[], route=route)
    finally:
        await relay.close()


async def by_question(route: Route, seconds: float) -> object:
    asking = AppCredentials(
        "cli_a1b2c3d4e5f60718",
        "s3cr3t",
        Platform("https://open.example.test", "https://open.example.test"),
        route.proxy,
        tells_proxy_errors=route.tells_proxy_errors,
    )
    return await find_gateway(asking, seconds=seconds, config=ClientConfig())


async def by_dial(route: Route, seconds: float) -> object:
    endpoint = Endpoint("wss://gateway.example.test/ws?ticket=t", "", 0, ClientConfig())
    return await dial(endpoint, Timing(dial=seconds), route=route)


Attempt: TypeAlias = Callable[[Route, float], Awaitable[object]]

each_way = pytest.mark.parametrize("attempt", [by_thread, by_relay, by_question, by_dial])


@contextmanager
def listening(mood: Mood | None) -> Iterator[str]:
    """The address of a proxy of that kind; None for a port on which nobody listens."""
    if mood is None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    else:
        with LoopbackProxy(mood=mood) as proxy:
            yield proxy.url


async def failure(attempt: Attempt, route: Route, *, seconds: float = 30) -> TransportError:
    with pytest.raises(TransportError) as failed:
        await attempt(route, seconds)
    return failed.value


# With the seconds after which the attempt is given up: a machine may be slow wherever somebody answers.
KINDS: dict[Mood | None, float] = {
    None: 30,
    "silent": 0.5,
    "gibberish": 30,
    "broken": 30,
    "forbidding": 30,
}


@each_way
async def test_typed_proxy_fails_with_one_answer_whatever_listens_there(
    attempt: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    told = set()
    for mood, seconds in KINDS.items():
        with listening(mood) as url, caplog.at_level(logging.WARNING):
            error = await failure(attempt, Route(url, tells_proxy_errors=False), seconds=seconds)
        told.add((type(error), error.reason, str(error), str(error.info.cause.en_us)))
    assert {reason for _, reason, _, _ in told} == {Reason.PROXY_NO_WAY}
    assert len(told) == 1
    logged = {record.__dict__["reason"] for record in caplog.records if record.message == "proxy_failed"}
    assert logged >= {Reason.PROXY_UNREACHABLE, Reason.PROXY_TIMEOUT, Reason.PROXY_FORBIDS}


@each_way
async def test_who_may_know_is_told_how_a_proxy_failed(attempt: Attempt) -> None:
    reasons = {}
    for mood, seconds in KINDS.items():
        with listening(mood) as url:
            reasons[mood] = (await failure(attempt, Route(url), seconds=seconds)).reason
    assert reasons[None] is Reason.PROXY_UNREACHABLE
    assert reasons["silent"] is Reason.PROXY_TIMEOUT
    assert reasons["forbidding"] is Reason.PROXY_FORBIDS


@each_way
async def test_wrong_password_of_a_typed_proxy_is_told(
    attempt: Attempt,
) -> None:
    with LoopbackProxy(user="ops", password="right") as proxy:
        route = Route(f"http://ops:wrong@{proxy.address}", tells_proxy_errors=False)
        assert (await failure(attempt, route)).reason is Reason.PROXY_REFUSED


async def test_proxy_of_the_environment_is_told_to_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(None) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        error = await failure(by_thread, Route(tells_proxy_errors=False))
    assert error.reason is Reason.PROXY_UNREACHABLE
