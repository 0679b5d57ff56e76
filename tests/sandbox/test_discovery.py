"""`POST /callback/ws/endpoint` and the handshake that follows it."""

from urllib.parse import parse_qsl, urlsplit

import pytest
import websockets

from tests.sandbox.conftest import OTHER_APP_ID, Platform


@pytest.fixture
def platform(served: Platform) -> Platform:
    return served


async def refused(url: str) -> websockets.Response:
    with pytest.raises(websockets.InvalidStatus) as refusal:
        await websockets.connect(url, proxy=None)
    return refusal.value.response


async def test_endpoint_carries_all_four_settings_and_hides_nothing_behind_the_scheme(
    platform: Platform,
) -> None:
    answer = await platform.discover()
    assert answer["code"] == 0
    assert answer["data"]["ClientConfig"] == {
        "ReconnectCount": -1,
        "ReconnectInterval": 120,
        "ReconnectNonce": 30,
        "PingInterval": 120,
    }
    names = [name for name, _ in parse_qsl(urlsplit(answer["data"]["URL"]).query)]
    assert names == ["fpid", "aid", "device_id", "access_key", "service_id", "ticket"]


@pytest.mark.parametrize(
    ("app_id", "secret", "code"),
    [
        (None, "wrong", 1000040345),
        ("cli_00000000000000ff", None, 1000040346),
        ("nonsense", None, 1000040346),
    ],
)
async def test_wrong_credentials_are_refused_with_an_empty_data(
    platform: Platform, app_id: str | None, secret: str | None, code: int
) -> None:
    answer = await platform.discover(app_id, secret)
    assert (answer["code"], answer["data"]) == (code, {})


async def test_disabled_app_is_forbidden(platform: Platform) -> None:
    await platform.put_app(enabled=False)
    assert (await platform.discover())["code"] == 403


async def test_ticket_works_once(platform: Platform, connect) -> None:
    url = (await platform.discover())["data"]["URL"]
    async with websockets.connect(url, proxy=None):
        response = await refused(url)
    assert response.status_code == 401
    assert response.headers["Handshake-Status"] == "514"
    assert response.headers["Handshake-Msg"]
    assert response.headers["Handshake-Autherrcode"] == "0"


async def test_ticket_of_another_device_is_refused(platform: Platform) -> None:
    url = (await platform.discover())["data"]["URL"]
    assert (await refused(url.replace("device_id=7", "device_id=8"))).headers["Handshake-Status"] == "514"


async def test_connection_limit_is_met_at_discovery_and_at_the_handshake(platform: Platform, connect) -> None:
    await platform.put_app(max_connections=1)
    late = (await platform.discover())["data"]["URL"]
    await connect()
    assert (await platform.discover())["code"] == 1000040350
    assert (await refused(late)).headers["Handshake-Autherrcode"] == "1000040350"


async def test_discovery_fault_answers_its_code_as_often_as_told(platform: Platform) -> None:
    fault = {"code": 1, "msg": "system busy", "data": "null", "times": 1}
    await platform.control("PUT", "faults", {"discovery": fault}, app_id=platform.app_id)
    assert await platform.discover() == {"code": 1, "msg": "system busy", "data": None}
    assert (await platform.discover())["code"] == 0


async def test_fault_of_one_app_spares_the_others(platform: Platform) -> None:
    fault = {"discovery": {"http_status": 500, "data": "absent"}}
    await platform.control("PUT", "faults", fault, app_id=platform.app_id)
    body = {"AppID": OTHER_APP_ID, "AppSecret": platform.secret}
    assert (await platform.http.post("/callback/ws/endpoint", json=body)).json()["code"] == 0
    body["AppID"] = platform.app_id
    assert (await platform.http.post("/callback/ws/endpoint", json=body)).status_code == 500


@pytest.mark.parametrize(("headers", "status"), [(True, "403"), (False, None)])
async def test_handshake_fault_refuses_with_and_without_its_headers(
    platform: Platform,
    headers: bool,  # noqa: FBT001 - a parameter of the test
    status: str | None,
) -> None:
    await platform.control("PUT", "faults", {"handshake": {"status": 403, "headers": headers}})
    response = await refused((await platform.discover())["data"]["URL"])
    assert response.status_code == 403
    assert response.headers.get("Handshake-Status") == status
