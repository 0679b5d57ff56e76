import asyncio

import httpx2
import pytest
from django.test import Client

from core.access.path_rules import METHODS
from feishu_portal.asgi import application


@pytest.mark.django_db
def test_description_names_every_call_for_users():
    paths = Client().get("/api/v1/openapi.json").json()["paths"]
    assert set(paths["/proxy/{app_id}/users/{open_id}/open-apis/{path}"]) == {
        method.lower() for method in METHODS
    }
    assert "/proxy/{app_id}/app/open-apis/{path}" in paths
    assert set(paths["/api/v1/bots/{bot_id}/users/{open_id}/token"]) == {"post", "delete"}
    assert "get" in paths["/api/v1/bots/{bot_id}/users"]


def test_web_process_gives_the_proxy_its_calls():
    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as client:
            return await client.options("/proxy/cli_1/app/open-apis/im/v1/chats")

    response = asyncio.run(ask())
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
