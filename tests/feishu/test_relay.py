from collections.abc import AsyncIterator

import pytest

from feishu import relay as relay_module
from feishu.errors import TransportError
from feishu.outgoing import Route
from feishu.relay import Relay
from tests.services.ports import free_port


class Client:
    """Stands in for the library's: answers at once, and knows whether it is open."""

    def __init__(self, httpx2, *, refuses: bool = False) -> None:
        self._httpx2 = httpx2
        self._refuses = refuses
        self.is_closed = False

    def build_request(self, *args, **kwargs):
        return self._httpx2.Request(*args, **kwargs)

    async def send(self, request, *, stream: bool):
        if self._refuses:
            raise self._httpx2.ConnectError("no", request=request)
        return self._httpx2.Response(200, request=request, content=_nothing())

    async def aclose(self) -> None:
        self.is_closed = True


async def _nothing() -> AsyncIterator[bytes]:
    yield b""


@pytest.fixture
def clients(monkeypatch):
    made: list[Client] = []

    def new_client(route: Route) -> Client:
        made.append(Client(relay_module.httpx2, refuses="refusing" in route.proxy))
        return made[-1]

    monkeypatch.setattr(relay_module, "MAX_CLIENTS", 1)
    monkeypatch.setattr(relay_module, "_new_client", new_client)
    return made


async def ask(relay: Relay, proxy: str):
    return await relay.open(
        "GET", f"http://127.0.0.1:{free_port()}", "/", headers=[], route=Route(f"http://{proxy}:1")
    )


async def test_connections_of_a_route_too_many_are_closed_when_its_last_call_is_over(clients):
    relay = Relay()
    first = await ask(relay, "a")
    await ask(relay, "b")
    await ask(relay, "c")
    assert [client.is_closed for client in clients] == [False, False, False]
    await first.close()
    await ask(relay, "c")
    assert [client.is_closed for client in clients] == [True, False, False]
    await relay.close()
    assert all(client.is_closed for client in clients)


async def test_a_call_that_could_not_be_sent_keeps_no_connections_open(clients):
    relay = Relay()
    with pytest.raises(TransportError):
        await ask(relay, "refusing")
    await ask(relay, "b")
    await ask(relay, "b")
    assert clients[0].is_closed
    await relay.close()


async def test_an_answer_closed_twice_ends_one_call(clients):
    relay = Relay()
    first, _second = await ask(relay, "a"), await ask(relay, "a")
    await first.close()
    await first.close()
    await ask(relay, "b")
    await ask(relay, "b")
    assert not clients[0].is_closed
    await relay.close()
