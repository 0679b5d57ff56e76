import pytest

from feishu.departures import departures
from feishu.errors import TransportError
from feishu.outgoing import DIRECT
from feishu.reasons import Reason
from feishu.relay import Relay
from feishu.transport import Transport
from tests.services.ports import free_port


@pytest.fixture(autouse=True)
def closed(monkeypatch):
    monkeypatch.setattr(departures, "is_closed", lambda: True)


def test_request_of_a_thread_is_not_sent():
    with pytest.raises(TransportError) as raised:
        Transport(route=DIRECT).request("GET", f"http://127.0.0.1:{free_port()}/")
    assert (raised.value.reason, raised.value.sent) == (Reason.PASSIVE, "no")


async def test_request_of_an_event_loop_is_not_sent():
    relay = Relay()
    with pytest.raises(TransportError) as raised:
        await relay.open("GET", f"http://127.0.0.1:{free_port()}", "/", headers=[])
    await relay.close()
    assert (raised.value.reason, raised.value.sent) == (Reason.PASSIVE, "no")


def test_open_departures_let_requests_go(monkeypatch):
    monkeypatch.setattr(departures, "is_closed", lambda: False)
    with pytest.raises(TransportError) as raised:
        Transport(route=DIRECT).request("GET", f"http://127.0.0.1:{free_port()}/")
    assert raised.value.reason == Reason.UNREACHABLE
