"""The token endpoints of version 1, for installations that know no other."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.sandbox.conftest import OTHER_APP_ID, REDIRECT, Platform


async def new_code(platform: Platform, *, page: str = "index", name: str = "app_id") -> str:
    url = (
        f"{platform.url}/open-apis/authen/v1/{page}?{name}={platform.app_id}&redirect_uri={REDIRECT}&state=s"
    )
    assert (await platform.http.get(url)).status_code == 200
    wish = {"url": url, "person": "lilei"}
    redirect = (await platform.control("POST", "authorize", wish))["redirect"]
    return dict(parse_qsl(urlsplit(redirect).query))["code"]


async def app_token(platform: Platform) -> str:
    body = {"app_id": platform.app_id, "app_secret": platform.secret}
    answer = await platform.http.post("/open-apis/auth/v3/app_access_token/internal", json=body)
    return answer.json()["app_access_token"]


async def ask(platform: Platform, path: str, **body: str):
    return await platform.api("POST", f"authen/v1/{path}", token=await app_token(platform), json=body)


async def test_code_becomes_tokens_inside_data(platform: Platform) -> None:
    code = await new_code(platform)
    answer = (await ask(platform, "oidc/access_token", grant_type="authorization_code", code=code)).json()
    assert (answer["code"], answer["msg"]) == (0, "success")
    data = answer["data"]
    assert (data["access_token"][:2], data["refresh_token"][:3]) == ("u-", "ur-")
    assert (data["expires_in"], data["refresh_expires_in"], data["token_type"]) == (7200, 604800, "Bearer")
    me = await platform.api("GET", "authen/v1/user_info", token=data["access_token"])
    assert me.json()["data"]["open_id"] == platform.open_id()


async def test_refresh_token_works_once_and_only_at_its_own_endpoint(platform: Platform) -> None:
    code = await new_code(platform)
    first = (await ask(platform, "oidc/access_token", grant_type="authorization_code", code=code)).json()
    old = first["data"]["refresh_token"]
    newer = {"client_id": platform.app_id, "client_secret": platform.secret}
    body = {"grant_type": "refresh_token", "refresh_token": old, **newer}
    assert (await platform.http.post("/oauth/v3/token", json=body)).json()["code"] == 20026
    wish = {"grant_type": "refresh_token", "refresh_token": old}
    second = (await ask(platform, "oidc/refresh_access_token", **wish)).json()
    assert second["data"]["refresh_token"] != old
    refused = await ask(platform, "oidc/refresh_access_token", **wish)
    assert (refused.status_code, refused.json()["code"]) == (200, 20073)


async def test_oldest_endpoint_tells_who_it_is_as_well(platform: Platform) -> None:
    code = await new_code(platform, page="authorize", name="client_id")
    answer = await ask(platform, "access_token/", grant_type="authorization_code", code=code)
    data = answer.json()["data"]
    assert (data["name"], data["open_id"]) == ("李雷", platform.open_id())
    wish = {"grant_type": "refresh_token", "refresh_token": data["refresh_token"]}
    assert (await ask(platform, "refresh_access_token", **wish)).json()["data"]["name"] == "李雷"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"grant_type": "authorization_code", "code": "nothing"}, 20003),
        ({"grant_type": "authorization_code"}, 20001),
        ({"grant_type": "password", "code": "x"}, 20036),
    ],
)
async def test_refusals_come_with_http_200(platform: Platform, body: dict, code: int) -> None:
    answer = await ask(platform, "oidc/access_token", **body)
    assert (answer.status_code, answer.json()["code"]) == (200, code)


async def test_code_of_another_app_and_a_bad_app_token_are_refused(platform: Platform) -> None:
    wish = {"grant_type": "authorization_code", "code": await new_code(platform)}
    foreign = await platform.tenant_token(OTHER_APP_ID)
    answer = await platform.api("POST", "authen/v1/oidc/access_token", token=foreign, json=wish)
    assert answer.json()["code"] == 20024
    answer = await platform.api("POST", "authen/v1/oidc/access_token", token="t-nothing", json=wish)
    assert answer.json()["code"] == 99991664
