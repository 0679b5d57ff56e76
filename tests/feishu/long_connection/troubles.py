"""What a platform of the tests may do wrong."""

import asyncio

import httpx

from feishu.long_connection.socket import GatewaySocket


def refused(code: int, message: str = "no") -> object:
    async def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"code": code, "msg": message, "data": {}})

    return answer


async def hanging(_request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(3600)
    raise AssertionError


async def stuck(_self: GatewaySocket, _frames: object) -> None:
    await asyncio.sleep(3600)
