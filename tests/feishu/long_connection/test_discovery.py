import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.credentials import AppCredentials
from feishu.errors import ConnectError, FeishuError, MalformedAnswer
from feishu.long_connection.config import ClientConfig
from feishu.long_connection.discovery import handshake_error, parse_answer, request
from feishu.platforms import LARK
from feishu.reasons import Reason

URL = "wss://gw.example.test/ws/v2?fpid=493&device_id=74001&access_key=k&service_id=33554678&ticket=secret"


def body(code: object = 0, msg: str = "", data: object = None) -> bytes:
    return json.dumps({"code": code, "msg": msg, "data": data}).encode()


def test_the_question_goes_to_the_apps_own_platform():
    question = request(AppCredentials("cli_a", "s3cr3t", LARK))
    assert question.url == "https://open.larksuite.com/callback/ws/endpoint"
    assert question.body == {"AppID": "cli_a", "AppSecret": "s3cr3t"}
    assert "s3cr3t" not in repr(question)


def test_an_address_is_kept_verbatim_and_out_of_sight():
    endpoint = parse_answer(200, body(data={"URL": URL, "ClientConfig": {"PingInterval": 90}}))
    assert (endpoint.url, endpoint.device_id, endpoint.service_id) == (URL, "74001", 33554678)
    assert endpoint.config == ClientConfig(ping_interval=90)
    assert "secret" not in repr(endpoint)


@pytest.mark.parametrize(
    ("url", "is_encrypted"),
    [("wss://g/ws", True), ("WSS://g/ws", True), ("ws://g/ws", False), ("Ws://g", False)],
)
def test_encrypted_gateway_is_one_however_its_scheme_is_written(url, is_encrypted):
    assert parse_answer(200, body(data={"URL": url})).is_encrypted is is_encrypted


@pytest.mark.parametrize("query", ["", "?ticket=x", "?service_id=abc", "?service_id=-1", "?service_id="])
def test_missing_or_broken_ids_are_tolerated(query):
    endpoint = parse_answer(200, body(data={"URL": f"wss://gw.example.test/ws{query}"}))
    assert (endpoint.device_id, endpoint.service_id) == ("", 0)


def test_a_service_id_is_kept_within_32_bits():
    endpoint = parse_answer(200, body(data={"URL": "wss://gw.example.test/?service_id=99999999999"}))
    assert endpoint.service_id == 2**31 - 1


def test_what_was_known_of_the_configuration_survives_a_silent_answer():
    endpoint = parse_answer(200, body(data={"URL": URL}), ClientConfig(ping_interval=30))
    assert endpoint.config.ping_interval == 30


@pytest.mark.parametrize("data", [None, {}, []])
@pytest.mark.parametrize("code", [1, 403, 514, 1000040343, 1000040345, 1000040350, 1000040351])
def test_a_refusal_carries_the_platforms_code(code, data):
    with pytest.raises(ConnectError) as caught:
        parse_answer(200, body(code, "sorry", data))
    assert (caught.value.code, caught.value.message, caught.value.stage) == (code, "sorry", "discovery")


@pytest.mark.parametrize(
    ("code", "retryable"),
    [(1, True), (1000040343, True), (1000040350, True), (1000040345, False), (403, False)],
)
def test_a_refusal_knows_whether_waiting_helps(code, retryable):
    with pytest.raises(ConnectError) as caught:
        parse_answer(200, body(code))
    assert caught.value.retryable is retryable


def test_an_http_failure_without_json_is_a_refusal():
    with pytest.raises(ConnectError) as caught:
        parse_answer(502, b"<html>bad gateway</html>")
    assert (caught.value.http_status, caught.value.code, caught.value.retryable) == (502, None, True)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(302, Reason.REDIRECTED), (307, Reason.REDIRECTED), (204, Reason.HTTP), (403, Reason.HTTP)],
)
def test_answer_in_the_platforms_place_is_called_what_it_is(status, reason):
    with pytest.raises(ConnectError) as caught:
        parse_answer(status, b"")
    assert caught.value.reason is reason


def test_an_http_failure_is_one_even_with_code_0():
    with pytest.raises(ConnectError):
        parse_answer(500, body(data={"URL": URL}))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        body("0"),
        body(0),
        body(0, data={"URL": None}),
        body(0, data={"URL": "https://gw.example.test"}),
        body(0, data={"URL": "wss://"}),
        body(0, data={"URL": "wss://[::1"}),
    ],
)
def test_an_unusable_answer_is_malformed(answer):
    with pytest.raises(MalformedAnswer):
        parse_answer(200, answer)


@given(st.integers(100, 599), st.binary(max_size=100))
def test_no_answer_can_break_the_reading(status, content):
    with contextlib.suppress(FeishuError):
        parse_answer(status, content)


def test_the_connection_limit_is_recognised_in_a_refused_handshake():
    error = handshake_error(
        400,
        {"handshake-status": "514", "handshake-msg": "too many", "handshake-autherrcode": "1000040350"},
    )
    assert (error.code, error.stage, error.http_status) == (1000040350, "handshake", 400)
    assert "too many" in str(error)


@pytest.mark.parametrize(
    ("status", "headers", "code", "retryable"),
    [
        (400, {"handshake-status": "514", "handshake-autherrcode": "1"}, None, True),
        (400, {"handshake-status": "514"}, None, True),
        (403, {}, 403, False),
        (400, {"handshake-status": "403"}, 403, False),
        (503, {}, None, True),
        (400, {"handshake-status": "x", "handshake-autherrcode": "y"}, None, True),
    ],
)
def test_other_refused_handshakes_are_judged_like_the_official_clients_do(status, headers, code, retryable):
    error = handshake_error(status, headers)
    assert (error.code, error.retryable) == (code, retryable)


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "gbk"])
def test_answer_is_read_in_any_charset(charset):
    said = json.loads(body(data={"URL": URL})) | {"msg": "成功"}
    assert parse_answer(200, json.dumps(said, ensure_ascii=False).encode(charset)).url == URL


def test_code_written_as_text_is_a_code_too():
    data = {"URL": "wss://gateway.test/?device_id=1&service_id=2", "ClientConfig": {}}
    assert parse_answer(200, body("0", data=data)).device_id == "1"
    with pytest.raises(ConnectError) as caught:
        parse_answer(200, body("1000040345", "sorry"))
    assert caught.value.code == 1000040345
