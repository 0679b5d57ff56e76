"""The authorize page: who may ask for what, and where the answer goes."""

import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from sandbox.config import SandboxConfig
from tests.sandbox.conftest import APP_ID, REDIRECT, Platform, app_config

WITH_QUERY = "https://portal.example.test/cb?tab=1#/login"
PAGE = "/open-apis/authen/v1/authorize"


@pytest.fixture
def config() -> SandboxConfig:
    return SandboxConfig(apps=[app_config(redirect_urls=[REDIRECT, WITH_QUERY])])


def query(**changes: Any) -> dict[str, str]:
    whole = {
        "client_id": APP_ID,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "state": "s&1",
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not None}


async def decide(platform: Platform, decision: str, person: str = "lilei", **changes: Any):
    return await platform.http.post(
        f"/sandbox/consent?{urlencode(query(**changes))}", data={"decision": decision, "person": person}
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uri": "https://evil.example.test/"}, 20029),
        ({"redirect_uri": REDIRECT + "/"}, 20029),
        ({"redirect_uri": None}, 20029),
        ({"client_id": "cli_00000000000000ff"}, 20048),
        ({"scope": "im:message docx:document"}, 20027),
        ({"scope": "IM:MESSAGE"}, 20027),
        ({"scope": " ".join(f"scope:{n}" for n in range(51))}, 20063),
        ({"response_type": "token"}, 20063),
        ({"code_challenge": "x", "code_challenge_method": "S512"}, 20063),
    ],
)
async def test_wrong_requests_end_on_an_error_page(
    platform: Platform, changes: dict[str, Any], code: int
) -> None:
    page = await platform.http.get(PAGE, params=query(**changes))
    assert page.status_code == 400
    assert f'data-testid="problem-code">{code}<' in page.text
    posted = await decide(platform, "allow", **changes)
    assert (posted.status_code, "location" in posted.headers) == (400, False)


async def test_page_names_app_person_and_scopes_in_the_chosen_language(platform: Platform) -> None:
    page = await platform.http.get(PAGE, params=query(scope="im:message", response_type=None))
    assert page.status_code == 200
    assert "测试应用" in page.text
    assert "获取与发送单聊、群组消息" in page.text
    platform.http.cookies.set("sandbox_lang", "en")
    platform.http.cookies.set("sandbox_person", "wangfang")
    page = await platform.http.get(PAGE, params=query(scope="im:message"))
    assert "Read and send messages" in page.text
    assert re.search(r'<option value="wangfang" selected>\s*Wang Fang', page.text)


async def test_what_was_allowed_before_is_marked(platform: Platform) -> None:
    assert "<em>" not in (await platform.http.get(PAGE, params=query(scope="im:message"))).text
    await decide(platform, "allow", scope="im:message")
    assert "<em>已授权</em>" in (await platform.http.get(PAGE, params=query(scope="im:message"))).text


async def test_page_has_a_log_id_and_is_in_the_log(platform: Platform) -> None:
    page = await platform.http.get(PAGE, params=query(scope="im:message"))
    [call] = (await platform.control("GET", "calls"))["calls"]
    assert (call["kind"], call["app_id"], call["status"]) == ("page", APP_ID, 200)
    assert call["log_id"] == page.headers["X-Tt-Logid"]


async def test_yes_leads_back_with_a_code_and_the_state_as_it_was(platform: Platform) -> None:
    answer = await decide(platform, "allow")
    assert answer.status_code == 302
    found = re.fullmatch(
        re.escape(REDIRECT) + r"\?code=([\w-]{48,64})&state=s%261", answer.headers["location"]
    )
    assert found is not None


async def test_no_leads_back_with_access_denied_alone(platform: Platform) -> None:
    location = (await decide(platform, "deny", state=None)).headers["location"]
    assert location == f"{REDIRECT}?error=access_denied"


async def test_answer_stands_after_a_query_and_before_a_fragment(platform: Platform) -> None:
    location = (await decide(platform, "deny", redirect_uri=WITH_QUERY, state="s")).headers["location"]
    assert location == "https://portal.example.test/cb?tab=1&error=access_denied&state=s#/login"


async def test_person_without_the_app_cannot_allow(platform: Platform) -> None:
    await platform.put_app(available_to=["wangfang"])
    assert ">20010<" in (await decide(platform, "allow")).text
    assert (await decide(platform, "allow", "wangfang")).status_code == 302


async def test_device_page_takes_a_code_and_a_decision(platform: Platform) -> None:
    body = {"client_id": APP_ID, "client_secret": platform.secret, "scope": "im:message"}
    code = (await platform.http.post("/oauth/v1/device_authorization", data=body)).json()["user_code"]
    assert "代码不存在或已过期" in (await platform.http.get("/oauth/v1/device/verify?user_code=NO")).text
    page = await platform.http.get("/oauth/v1/device/verify", params={"user_code": code.lower()})
    assert 'data-testid="consent-allow"' in page.text
    done = await platform.http.post(
        "/sandbox/device", data={"user_code": code, "decision": "deny", "person": "lilei"}
    )
    assert "已拒绝授权" in done.text
    late = await platform.http.post("/sandbox/device", data={"user_code": code, "decision": "allow"})
    assert "代码不存在或已过期" in late.text


@pytest.mark.parametrize(
    ("target", "location"), [("/x?y=1", "/x?y=1"), ("//evil.test", "/"), ("https://evil.test", "/")]
)
async def test_switching_person_or_language_stays_on_this_site(
    platform: Platform, target: str, location: str
) -> None:
    answer = await platform.http.get("/sandbox/person/wangfang", params={"next": target})
    assert answer.headers["location"] == location
    assert "sandbox_person=wangfang" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("asked", "legal"),
    [
        (f"{REDIRECT}?callback=1", True),
        (f"{REDIRECT}?a=1&b=2#part", True),
        (f"{REDIRECT}#part", True),
        (f"{REDIRECT}/more?x=1", False),
        ("https://evil.test/oauth/callback?x=1", False),
    ],
)
async def test_redirect_url_is_compared_without_its_query(
    platform: Platform, asked: str, *, legal: bool
) -> None:
    page = f"{platform.url}/open-apis/authen/v1/authorize?client_id={platform.app_id}&redirect_uri={quote(asked, safe='')}"
    answer = await platform.control("POST", "authorize", {"url": page, "person": "lilei"})
    if legal:
        before, _, fragment = asked.partition("#")
        assert answer["redirect"].startswith(f"{before}{'&' if '?' in before else '?'}code=")
        assert answer["redirect"].endswith(f"#{fragment}" if fragment else "")
    else:
        assert answer["problem"] == 20029
