import asyncio
import gc
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest

from feishu.errors import APIError, MalformedAnswer, TransportError
from feishu.networks import Networks
from feishu.outgoing import Route
from feishu.reasons import Reason
from feishu.transport import MAX_BODY, MAX_TRANSPORTS, Transport, default_transport, unpooled_transport
from tests.services.processes import PATIENCE
from tests.services.proxy import LoopbackProxy

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX-Tt-Logid: L1\r\n\r\n"


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server on loopback that reads one request and lets `answer` do the rest."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            connection.recv(65536)
            answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(PATIENCE)


@pytest.fixture
def real() -> Iterator[Transport]:
    transport = Transport()
    yield transport
    transport.close()


def test_a_request_carries_token_parameters_and_compact_json(platform, transport):
    platform.will_say({"code": 0, "data": {"x": 1}}, headers={"X-Tt-Logid": "L1"})
    answer = transport.request(
        "POST", "https://h.test/p", bearer="t-1", params={"a": "b c"}, json={"名": "值", "n": 1}
    )
    request = platform.requests[0]
    assert request.method == "POST"
    assert str(request.url) == "https://h.test/p?a=b+c"
    assert request.headers["authorization"] == "Bearer t-1"
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert request.content.decode() == '{"名":"值","n":1}'
    assert (answer.data, answer.log_id) == ({"x": 1}, "L1")


def test_half_of_a_surrogate_pair_is_sent_as_a_question_mark(platform, transport):
    platform.will_say({"code": 0})
    transport.request("POST", "https://h.test/p", json={"text": "好\ud83d"})
    assert platform.sent_json() == {"text": "好?"}


def test_a_form_is_sent_as_one_with_basic_credentials(platform, transport):
    platform.will_say({"code": 0})
    transport.request("POST", "https://h.test/p", basic=("cli_a", "s:x"), form={"a": "b c"})
    request = platform.requests[0]
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["authorization"] == "Basic Y2xpX2E6czp4"
    assert request.content == b"a=b+c"


def test_a_refusal_is_raised_with_its_log_id(platform, transport):
    platform.will_say({"code": 230002, "msg": "not in chat"}, status=400, headers={"X-Tt-Logid": "L2"})
    with pytest.raises(APIError) as caught:
        transport.request("GET", "https://h.test/p")
    assert (caught.value.code, caught.value.log_id) == (230002, "L2")


def test_redirects_are_not_followed(platform, transport):
    platform.will(httpx2.Response(302, headers={"Location": "https://elsewhere.test/"}))
    with pytest.raises(MalformedAnswer):
        transport.request("GET", "https://h.test/p", bearer="t-1")
    assert len(platform.requests) == 1


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (httpx2.ConnectError("refused"), "no"),
        (httpx2.ConnectTimeout("slow"), "no"),
        (httpx2.PoolTimeout("busy"), "no"),
        (httpx2.ProxyError("403"), "no"),
        (httpx2.UnsupportedProtocol("gopher"), "no"),
        (httpx2.LocalProtocolError("bad header"), "no"),
        (httpx2.WriteError("broken pipe"), "unknown"),
        (httpx2.WriteTimeout("slow"), "unknown"),
        (httpx2.ReadTimeout("slow"), "unknown"),
        (httpx2.ReadError("reset"), "unknown"),
        (httpx2.RemoteProtocolError("closed"), "unknown"),
    ],
)
def test_a_network_failure_tells_whether_the_request_may_have_arrived(platform, transport, error, sent):
    platform.will(error)
    with pytest.raises(TransportError) as caught:
        transport.request("POST", "https://h.test/p", json={})
    assert caught.value.sent == sent
    assert str(error) in str(caught.value)


def test_a_request_is_never_repeated(platform, transport):
    platform.will(httpx2.ReadError("reset"), httpx2.Response(200, json={"code": 0}))
    with pytest.raises(TransportError):
        transport.request("POST", "https://h.test/p", json={})
    assert len(platform.requests) == 1


def test_a_broken_compression_is_malformed(platform, transport):
    stream = httpx2.ByteStream(b"not gzip")
    platform.will(lambda _: httpx2.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream))
    with pytest.raises(MalformedAnswer):
        transport.request("GET", "https://h.test/p")


def test_an_answer_beyond_the_limit_is_malformed(platform, transport):
    platform.will(httpx2.Response(200, content=b"x" * (MAX_BODY + 1)))
    with pytest.raises(MalformedAnswer, match="larger than"):
        transport.request("GET", "https://h.test/p")


def test_a_closed_port_means_nothing_was_sent(real):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransportError) as caught:
        real.request("POST", f"http://127.0.0.1:{port}/", json={})
    assert caught.value.sent == "no"


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "xn--", "\N{SNOWMAN}.com"])
@pytest.mark.parametrize("route", [Route(), Route(networks=Networks.parse(["public"]))])
def test_a_host_that_cannot_be_one_means_nothing_was_sent(host, route):
    transport = Transport(route=route)
    with pytest.raises(TransportError) as caught:
        transport.request("POST", f"https://{host}/", json={})
    transport.close()
    assert (caught.value.sent, caught.value.reason) == ("no", Reason.DNS)


def test_a_host_without_tls_means_nothing_was_sent(real):
    plain = b"HTTP/1.1 400 no\r\n\r\n"
    with server(lambda connection: connection.sendall(plain)) as url, pytest.raises(TransportError) as caught:
        real.request("POST", url.replace("http:", "https:"), json={})
    assert caught.value.sent == "no"


def test_a_connection_that_breaks_after_the_request_leaves_it_open(real):
    with server(lambda connection: None) as url, pytest.raises(TransportError) as caught:
        real.request("POST", url, json={})
    assert caught.value.sent == "unknown"


def test_an_answer_that_does_not_come_is_given_up(real):
    release = threading.Event()
    with server(lambda connection: release.wait(PATIENCE)) as url:
        with pytest.raises(TransportError) as caught:
            real.request("POST", url, json={}, timeout=0.05)
        release.set()
    assert caught.value.sent == "unknown"


@pytest.mark.parametrize("networks", [None, Networks.parse(["loopback"])], ids=["brand", "typed"])
def test_answer_whose_headers_trickle_is_given_up(networks):
    """Each read brings something, and none the end of the headers."""
    transport, ended = Transport(route=Route(networks=networks)), threading.Event()

    def trickle(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        try:
            while not ended.wait(0.02):
                connection.sendall(b"X: y\r\n")
        except OSError:
            pass

    with server(trickle) as url:
        try:
            with pytest.raises(TransportError) as caught:
                transport.request("GET", url, timeout=0.3)
        finally:
            ended.set()
    assert (caught.value.reason, caught.value.sent) == (Reason.TIMEOUT, "unknown")
    transport.close()


def test_an_answer_that_trickles_is_given_up(real):
    stop = threading.Event()

    def trickle(connection: socket.socket) -> None:
        connection.sendall(OK)
        while not stop.wait(0.02):
            try:
                connection.sendall(b" ")
            except OSError:
                return

    with server(trickle) as url:
        with pytest.raises(TransportError) as caught:
            real.request("POST", url, json={}, timeout=0.05)
        stop.set()
    assert (caught.value.reason, caught.value.sent) == (Reason.TIMEOUT, "unknown")


def test_a_real_answer_is_read(real):
    with server(lambda connection: connection.sendall(OK + b'{"code":0}')) as url:
        answer = real.request("GET", url)
    assert (answer.status, answer.log_id) == (200, "L1")


def test_no_cookie_is_kept_for_the_next_user(real):
    seen: list[bytes] = []
    again = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(OK.replace(b"X-Tt", b"Set-Cookie: session=1\r\nX-Tt") + b'{"code":0}')
        seen.append(connection.recv(65536))
        connection.sendall(OK + b'{"code":0}')
        again.set()

    with server(answer) as url:
        real.request("GET", url)
        real.request("GET", url)
    assert again.is_set()
    assert b"session" not in seen[0]


def test_the_default_transport_is_shared_within_a_process():
    assert default_transport() is default_transport()


async def test_what_may_be_sent_once_gets_a_connection_of_its_own():
    accepted = []

    async def answer(reader, writer):
        accepted.append(writer)
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"code": 0}')

    async def ask_twice(transport):
        accepted.clear()
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for _ in range(2):
            await asyncio.to_thread(transport.request, "GET", url)
        connections = len(accepted)
        for writer in accepted:
            writer.close()
        server.close()
        return connections

    assert await ask_twice(unpooled_transport()) == 2
    assert await ask_twice(default_transport()) == 1


def test_a_forked_child_gets_a_transport_of_its_own(monkeypatch):
    mine = default_transport()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert default_transport() is not mine


def test_everything_goes_through_the_proxy_with_its_password():
    with (
        server(lambda connection: connection.sendall(OK + b'{"code":0}   ')) as url,
        LoopbackProxy(user="ops", password="p@ss") as proxy,
    ):
        through = Transport(route=Route(f"http://ops:p%40ss@{proxy.address}"))
        assert through.request("GET", url).log_id == "L1"
        through.close()
    assert proxy.traffic.forwarded == [url.removeprefix("http://")]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"user": "ops"}, Reason.PROXY_REFUSED),
        ({"mood": "silent"}, Reason.PROXY_TIMEOUT),
    ],
)
def test_a_proxy_that_does_not_let_through_is_named(scheme, options, reason):
    with LoopbackProxy(**options) as proxy:
        through = Transport(
            route=Route(f"http://ops:hush@{proxy.address}" if "user" in options else proxy.url)
        )
        with pytest.raises(TransportError) as failure:
            through.request("POST", f"{scheme}://platform.test/x", json={}, timeout=0.3)
        through.close()
    assert failure.value.reason is reason
    assert "hush" not in str(failure.value)
    assert proxy.traffic.total == 0


def test_a_proxy_that_is_not_there_is_named():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    through = Transport(route=Route(f"http://127.0.0.1:{port}"))
    with pytest.raises(TransportError) as failure:
        through.request("GET", "https://platform.test/")
    through.close()
    assert (failure.value.reason, failure.value.sent) == (Reason.PROXY_UNREACHABLE, "no")


def test_each_proxy_has_a_transport_of_its_own_and_there_are_not_too_many():
    assert default_transport(Route("http://a.test:1")) is default_transport(Route("http://a.test:1"))
    assert default_transport(Route("http://a.test:1")) is not default_transport(Route("http://b.test:1"))
    assert default_transport(Route("http://a.test:1")) is not unpooled_transport(Route("http://a.test:1"))
    evicted = default_transport(Route("http://a.test:1"))
    for number in range(MAX_TRANSPORTS):
        default_transport(Route(f"http://other.test:{number + 1}"))
    assert default_transport(Route("http://a.test:1")) is not evicted
    assert not evicted._client.is_closed  # whoever still holds it may still use it
    client = evicted._client
    del evicted
    gc.collect()
    assert client.is_closed
