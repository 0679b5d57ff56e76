import httpx2
import pytest

from feishu.credentials import AppCredentials
from feishu.errors import ConnectError, MalformedAnswer, TransportError
from feishu.long_connection.probe import probe
from feishu.platforms import FEISHU
from feishu.transport import Transport

CREDENTIALS = AppCredentials("cli_a1b2c3d4e5f60718", "s3cr3t", FEISHU)
GRANTED = {
    "code": 0,
    "data": {"URL": "wss://gateway.test/ws/v2?fpid=1&device_id=7&service_id=33&ticket=t1ck3t"},
}


def answering(*answers: httpx2.Response | Exception) -> tuple[Transport, list[httpx2.Request]]:
    requests: list[httpx2.Request] = []
    pending = list(answers)

    def handle(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        answer = pending.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Transport(httpx2.Client(transport=httpx2.MockTransport(handle))), requests


def test_probe_asks_as_the_gateway_client_does_and_dials_nothing():
    transport, requests = answering(httpx2.Response(200, json=GRANTED))
    assert probe(CREDENTIALS, transport).device_id == "7"
    [request] = requests
    assert str(request.url) == "https://open.feishu.cn/callback/ws/endpoint"
    assert request.headers["locale"] == "zh"
    assert request.content == b'{"AppID":"cli_a1b2c3d4e5f60718","AppSecret":"s3cr3t"}'


@pytest.mark.parametrize("status", [200, 400])
def test_refused_probe_has_code_and_log_id(status):
    body = {"code": 1000040351, "msg": "incorrect domain name", "data": {}}
    transport, _ = answering(httpx2.Response(status, json=body, headers={"X-Tt-Logid": "log-1"}))
    with pytest.raises(ConnectError) as caught:
        probe(CREDENTIALS, transport)
    assert (caught.value.code, caught.value.log_id) == (1000040351, "log-1")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx2.Response(200, text="<html>"), MalformedAnswer),
        (httpx2.Response(502, text="<html>"), ConnectError),
        (httpx2.ConnectTimeout("slow"), TransportError),
    ],
)
def test_probe_tells_failures_apart(answer, error):
    transport, _ = answering(answer)
    with pytest.raises(error):
        probe(CREDENTIALS, transport)


def test_ticket_of_a_probe_is_in_no_repr():
    transport, _ = answering(httpx2.Response(200, json=GRANTED))
    assert "t1ck3t" not in repr(probe(CREDENTIALS, transport))
