"""Answers that are not the platform's, or not as it promises them."""

import pytest

from tests.sandbox.conftest import Platform


@pytest.mark.parametrize(("kind", "status"), [("html", 502), ("sign_in", 200), ("redirect", 307)])
async def test_anothers_page_comes_instead(platform: Platform, kind: str, status: int) -> None:
    token = await platform.tenant_token()
    await platform.control(
        "PUT", "faults", {"openapi": {"answer": kind, "times": 1}, "token": {"answer": kind}}
    )
    spoiled = await platform.api("GET", "bot/v3/info", token=token)
    assert (spoiled.status_code, spoiled.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert (await platform.http.post("/oauth/v3/token", json={})).status_code == status
    assert (await platform.api("GET", "bot/v3/info", token=token)).json()["code"] == 0


async def test_answer_keeps_its_meaning_and_loses_its_form(platform: Platform) -> None:
    token = await platform.tenant_token()
    await platform.control("PUT", "faults", {"openapi": {"answer": "gbk", "times": 1}})
    assert "成功" in (await platform.api("GET", "bot/v3/info", token=token)).content.decode("gbk")
    await platform.control("PUT", "faults", {"openapi": {"answer": "string_numbers"}})
    assert (await platform.api("GET", "bot/v3/info", token=token)).json()["code"] == "0"
