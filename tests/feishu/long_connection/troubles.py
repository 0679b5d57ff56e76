"""What a platform of the tests may do wrong."""

import asyncio

import httpx2

from feishu.long_connection.socket import GatewaySocket


def refused(code: int, message: str = "no") -> object:
    async def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"code": code, "msg": message, "data": {}})

    return answer


async def hanging(_request: httpx2.Request) -> httpx2.Response:
    await asyncio.sleep(3600)
    raise AssertionError


async def stuck(_self: GatewaySocket, _frames: object) -> None:
    await asyncio.sleep(3600)
